/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Cases about how PEM is written: what is put right on the way, and what is damaged.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

static void no_last_newline(pki_text *t)
{
    t->data[--t->len] = '\0';
}

static void cut_in_half(pki_text *t)
{
    t->data[t->len /= 2] = '\0';
}

static void drop_character(pki_text *t)
{
    memmove(t->data + 100, t->data + 101, t->len-- - 100);
}

static void drop_line(pki_text *t)
{
    char *line = strchr(strchr(t->data, '\n') + 1, '\n') + 1, *next = strchr(line, '\n') + 1;
    memmove(line, next, strlen(next) + 1);
    t->len = strlen(t->data);
}

static void with_nul(pki_text *t)
{
    t->data[100] = '\0';
}

static void over_a_mebibyte(pki_text *t)
{
    char lines[64 * 1024];
    memset(lines, '\n', sizeof lines);
    while (t->len <= 1024 * 1024)
        pki_append(t, lines, sizeof lines);
}

const check_case check_cases_form[] = {
    /* put right */
    {"CRLF", "leaf inter", "leaf.key", NULL, "", "", .cert_text = {{"\n", "\r\n"}},
     .key_text = {{"\n", "\r\n"}}},
    {"CR alone", "leaf inter", "leaf.key", NULL, "", "", .cert_text = {{"\n", "\r"}},
     .key_text = {{"\n", "\r"}}},
    {"a BOM before each block", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"-----BEGIN", "\xEF\xBB\xBF-----BEGIN"}},
     .key_text = {{"-----BEGIN", "\xEF\xBB\xBF-----BEGIN"}}},
    {"space at the end of lines", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"\n", " \t \n"}}, .key_text = {{"\n", " \t \n"}}},
    {"indented blocks", "leaf inter", "leaf.key", NULL, "", "", .cert_text = {{"\n", "\n    "}},
     .key_text = {{"\n", "\n    "}}},
    {"blank lines", "leaf inter", "leaf.key", NULL, "", "", .cert_text = {{"\n", "\n\n"}},
     .key_text = {{"\n", "\n\n"}}},
    {"base64 in one long line", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"\n", ""}, {BEGIN, BEGIN "\n"}, {END, "\n-----END CERTIFICATE-----\n"}}},
    {"no newline at the end", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = no_last_newline,
     .edit_key = no_last_newline},
    {"Bag Attributes", "bag leaf bag inter", "bag leaf.key", NULL, "", ""},
    {"comments", "comment leaf comment inter comment", "comment leaf.key comment", NULL, "", ""},
    {"what openssl -text prints", "printed leaf inter", "leaf.key", NULL, "", ""},
    {"the old label X509 CERTIFICATE", "leaf-oldlabel inter", "leaf.key", NULL, "", ""},
    {"a chain of 64 KiB", "chain-64k", "leaf.key", NULL, "", ""},
    /* a warning */
    {"a row of base64 outside the blocks is named", "leaf inter stray", "leaf.key", NULL,
     "?stray-text@cert.0", ""},
    {"control characters outside the blocks", "control leaf inter", "leaf.key", NULL, "", ""},
    {"a row of base64 in the key part is named", "leaf inter", "leaf.key stray", NULL,
     "?stray-text@key.0", ""},
    /* damaged */
    {"a chain cut in the middle of a block", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = cut_in_half},
    {"a key cut in the middle", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = cut_in_half},
    {"a lost character", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = drop_character},
    {"a lost character in the key", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = drop_character},
    {"a lost line", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = drop_line},
    {"a NUL in a block", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = with_nul},
    {"literal \\n for line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\\n"}}},
    {"line ends turned into spaces", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", " "}}},
    {"no END line before the next block", "leaf no-end inter", "leaf.key", NULL,
     "!pem-damaged@cert.1", ""},
    {"no END line at the end", "leaf inter no-end", "leaf.key", NULL, "!pem-damaged@cert.2", ""},
    {"an END line of another name", "leaf other-end inter", "leaf.key", NULL, "!pem-damaged@cert.1",
     ""},
    {"an END line without its BEGIN", "leaf end inter", "leaf.key", NULL, "!pem-damaged@cert.1",
     ""},
    {"a line of dashes", "leaf dashes inter", "leaf.key", NULL, "", ""},
    {"a label in small letters", "leaf inter lower", "leaf.key", NULL, "!pem-damaged@cert.2", "",
     .says = "not quite BEGIN or END"},
    {"header lines in a certificate", "leaf inter headers", "leaf.key", NULL, "!pem-damaged@cert.2",
     ""},
    {"a block without data", "leaf inter no-data", "leaf.key", NULL, "!pem-damaged@cert.2", ""},
    {"base64 with wrong last bits", "leaf inter bad-bits", "leaf.key", NULL, "!pem-damaged@cert.2",
     ""},
    {"base64 that goes on behind its end", "leaf inter bad-padding", "leaf.key", NULL,
     "!pem-damaged@cert.2", ""},
    {"base64 with padding where none can be", "leaf inter bad-equals", "leaf.key", NULL,
     "!pem-damaged@cert.2", ""},
    {"base64 without its padding", "leaf inter bad-group", "leaf.key", NULL, "!pem-damaged@cert.2",
     ""},
    {"a character that is not base64", "leaf inter bad-digit", "leaf.key", NULL,
     "!pem-damaged@cert.2", ""},
    {"DER of another length than it says", "leaf inter bad-length", "leaf.key", NULL,
     "!pem-damaged@cert.2", ""},
    {"every damaged block is named", "leaf bad-bits inter bad-group", "leaf.key", NULL,
     "!pem-damaged@cert.1 !pem-damaged@cert.3", ""},
    {"DER for PEM", "leaf.der", "leaf.key", NULL, "!not-utf8@cert.0", ""},
    {"a Latin-1 attribute", "latin1 leaf inter", "latin1 leaf.key", NULL, "", ""},
    {"more than 1 MiB", "leaf inter", "leaf.key", NULL, "!part-too-large@cert.0", "",
     .edit_cert = over_a_mebibyte},
};
const size_t check_cases_form_count = sizeof check_cases_form / sizeof check_cases_form[0];
