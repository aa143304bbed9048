/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Cases about BEGIN and END lines, what stands around them, and the lines between.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

static void cut(pki_text *t, size_t at, size_t n)
{
    memmove(t->data + at, t->data + at + n, t->len - at - n + 1);
    t->len -= n;
}

static char *at_line(pki_text *t, int number)
{
    char *at = t->data;
    for (int i = 1; i < number; i++)
        at = strchr(at, '\n') + 1;
    return at;
}

static void begin_cut(pki_text *t)
{
    cut(t, 0, 1);
}

static void key_row_behind_end(pki_text *t)
{
    char row[64];
    memcpy(row, strchr(t->data, '\n') + 1, sizeof row);
    t->len--; /* on that line */
    pki_append(t, row, sizeof row);
}

static void url_safe(pki_text *t)
{
    strchr(t->data + 100, 'A')[0] = '_';
}

static void umlaut(pki_text *t)
{
    memcpy(t->data + 100, "\xC3\xA4", 2);
}

static void high_byte(pki_text *t)
{
    t->data[100] = (char)0xE4;
}

static void third_line(pki_text *t)
{
    at_line(t, 3)[5] = '!';
}

static void dots(pki_text *t)
{
    memcpy(at_line(t, 3) + 10, "...", 3);
}

static void padded(pki_text *t)
{
    pki_append(t, "\0\0\0\0\0\0\0\0", 8);
}

static void padded_between(pki_text *t)
{
    pki_text to = {0};
    size_t at = (size_t)(strstr(t->data, END) - t->data) + 26;
    pki_append(&to, t->data, at);
    pki_append(&to, "\0\0\0", 3);
    pki_append(&to, t->data + at, t->len - at);
    free(t->data);
    *t = to;
}

const check_case check_cases_lines[] = {
    /* what is outside of the blocks is not sent: nothing is said of it */
    {"a row of dashes", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"^", "----------------------------------------\n"},
                   {END "\n", END "\n----------------------------------------\n"}},
     .key_text = {{"^", "----------------------------------------\n"},
                  {END "\n", END "\n----------------------------------------\n"}}},
    {"an underline of equals signs", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{END "\n", END "\n============================================\n"}}},
    {"serial and modulus", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"^", "serial=0A1B2C3D4E5F60718293A4B5C6D7E8F9\nModulus="
                         "C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1\n"}}},
    {"a fingerprint", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"^", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n"}}},
    {"NULs behind the blocks", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = padded,
     .edit_key = padded},
    {"NULs between the blocks", "leaf inter", "leaf.key", NULL, "", "",
     .edit_cert = padded_between},
    {"what openssl s_client prints", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text =
         {{"^",
           "CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN = x\n---\nServer certificate\n"},
          {"$", "\n---\nSSL handshake has read 3000 bytes\n---\n"}}},
    {"BEGIN and END in comments", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"^", "--- BEGIN CERTIFICATE of the broker ---\nwhat follows is the chain\n"},
                   {"$", "\n# END CERTIFICATE\n"}}},
    {"comments in any bytes between the blocks", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{END "\n", END "\n# \xC3\xBC \xFC \x01 -----BEGIN\n"}}},
    {"an indented block of YAML", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"\n", "\n    "}, {"^", "tls_cert: |\n    "}},
     .key_text = {{"\n", "\n    "}, {"^", "tls_cert: |\n    "}}},
    {"no-break and zero-width spaces around lines", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"\n", "\xC2\xA0\n\xE2\x80\x8B"}},
     .key_text = {{"\n", "\xC2\xA0\n\xE2\x80\x8B"}}},
    {"a key that prose speaks of", "leaf inter", "leaf.key", NULL, "", "",
     .key_text = {{"^", "This PRIVATE KEY was made by hand.\n"}}},
    /* two boundaries, or data, on one line */
    {"END and BEGIN joined", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{END "\n-----BEGIN CERTIFICATE-----", END "-----BEGIN CERTIFICATE-----"}}},
    {"END and BEGIN joined by spaces", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{END "\n-----BEGIN CERTIFICATE-----", END "  -----BEGIN CERTIFICATE-----"}}},
    {"END behind the last line of data", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"\n-----END CERTIFICATE-----", END}}},
    {"data behind BEGIN", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{BEGIN "\n", BEGIN}}},
    /* something before BEGIN or behind END */
    {"all in quotes", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0 !pem-damaged@cert.1", "",
     .cert_text = {{"^", "\""}, {"$", "\"\n"}},
     .says = "(line 1) has something before its BEGIN line (\")|has something behind its END line "
             "(\")"},
    {"a quote behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"$", "\"\n"}}, .says = "has something behind its END line (\"): take it away"},
    {"an assignment", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"^", "TLS_CERT=\""}},
     .says = "(line 1) has something before its BEGIN line (TLS_CERT=\")"},
    {"an export", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0 !pem-damaged@cert.1", "",
     .cert_text = {{"^", "export TLS_CERT='"}, {"$", "'\n"}},
     .says = "before its BEGIN line (export TLS_C...)"},
    {"a key of YAML", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"^", "tls_cert: "}}, .says = "before its BEGIN line (tls_cert:)"},
    {"quoted by a mail", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\n> "}, {"^", "> "}}, .says = "before its BEGIN line (>)"},
    {"an added part of a diff", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\n+"}, {"^", "+"}}, .says = "before its BEGIN line (+)"},
    {"strings of C", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\\n\"\n\""}, {"^", "\""}}, .says = "two characters"},
    {"a semicolon behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{END, END ";"}}, .says = "behind its END line (;)"},
    {"a comment behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{END, END " # the leaf"}}, .says = "behind its END line (# the leaf)"},
    {"a comment behind BEGIN", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{BEGIN, BEGIN " # the leaf"}}, .says = "behind its BEGIN line"},
    {"a tag behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{END, END "</pre>"}}, .says = "behind its END line (</pre>)"},
    {"a quoted key", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .key_text = {{"^", "\""}, {"$", "\"\n"}},
     .says = "(line 1) has something before its BEGIN line"},
    {"a row of the key behind its END", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = key_row_behind_end, .says = "has something behind its END line: take it away"},
    /* dashes, spaces and letters of BEGIN and END */
    {"four dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{BEGIN, "----BEGIN CERTIFICATE----"}, {END, "----END CERTIFICATE----"}},
     .says = "not quite BEGIN or END (----BEGIN CE...)"},
    {"en dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{BEGIN, "\xE2\x80\x93\xE2\x80\x93"
                           "BEGIN CERTIFICATE\xE2\x80\x93\xE2\x80\x93"}},
     .says = "not quite BEGIN or END"},
    {"em dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"-----", "\xE2\x80\x94\xE2\x80\x94"}}, .says = "not quite BEGIN or END"},
    {"minus signs", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"-----", "\xE2\x88\x92\xE2\x88\x92\xE2\x88\x92\xE2\x88\x92\xE2\x88\x92"}},
     .says = "not quite BEGIN or END"},
    {"stars", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"-----", "*****"}}, .says = "not quite"},
    {"no dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .cert_text = {{"-----", ""}},
     .says = "not quite BEGIN or END (BEGIN CERTIF...)"},
    {"spaces inside the dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{BEGIN, "----- BEGIN CERTIFICATE -----"}, {END, "----- END CERTIFICATE -----"}},
     .says = "not quite BEGIN or END (----- BEGIN ...)"},
    {"two spaces", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"BEGIN CERT", "BEGIN  CERT"}}, .says = "not quite"},
    {"no space", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"BEGIN CERT", "BEGINCERT"}, {"END CERT", "ENDCERT"}}, .says = "not quite"},
    {"an underline", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"BEGIN CERT", "BEGIN_CERT"}}, .says = "not quite"},
    {"a no-break space", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"BEGIN CERT", "BEGIN\xC2\xA0"
                                  "CERT"}},
     .says = "not quite"},
    {"small letters", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"BEGIN CERTIFICATE", "begin certificate"},
                   {"END CERTIFICATE", "end certificate"}},
     .says = "not quite"},
    {"a title", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"BEGIN CERTIFICATE", "Begin Certificate"},
                   {"END CERTIFICATE", "End Certificate"}},
     .says = "not quite"},
    {"a lost dash", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = begin_cut,
     .says = "not quite BEGIN or END (----BEGIN CE...)"},
    {"four dashes around END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{END, "----END CERTIFICATE----"}},
     .says = "not quite BEGIN or END (----END CERT...)"},
    {"a small END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"END CERTIFICATE", "end certificate"}},
     .says = "not quite BEGIN or END (-----end cer...)"},
    {"six dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{BEGIN, "------BEGIN CERTIFICATE------"}, {END, "------END CERTIFICATE------"}},
     .says = "before its BEGIN line (-)"},
    {"four dashes around two blocks", "leaf inter", "leaf.key", NULL,
     "!pem-damaged@cert.0 !pem-damaged@cert.1", "",
     .cert_text = {{BEGIN, "----BEGIN CERTIFICATE----"}, {END, "----END CERTIFICATE----"}},
     .says = "(line 1) has a line that is not quite"},
    {"a key with four dashes", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .key_text = {{"-----BEGIN PRIVATE KEY-----", "----BEGIN PRIVATE KEY----"}},
     .says = "not quite"},
    {"BEGIN is missing", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{BEGIN "\n", ""}}, .says = "(line 1) has an END line without its BEGIN"},
    {"the second BEGIN is missing", "leaf no-begin", "leaf.key", NULL, "!pem-damaged@cert.1", "",
     .says = "without its BEGIN"},
    {"END is missing", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{END "\n", ""}}, .says = "has no END line"},
    {"the BEGIN of the key is missing", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .key_text = {{"-----BEGIN PRIVATE KEY-----\n", ""}}, .says = "without its BEGIN"},
    /* line ends that are something else */
    {"the characters \\n", "leaf inter", "leaf.key", NULL,
     "!pem-damaged@cert.0 !pem-damaged@cert.1", "", .cert_text = {{"\n", "\\n"}},
     .says = "has the two characters \\n in the place of line ends|printf %b"},
    {"the characters \\r\\n", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\\r\\n"}}, .says = "has the two characters"},
    {"the characters \\n and a line end", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\\n\n"}}, .says = "has the two characters"},
    {"the characters \\n in an assignment", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\\n"}, {"^", "TLS_CERT=\""}, {"$", "\"\n"}},
     .says = "has the two characters|(TLS_CERT="},
    {"the characters \\\\n", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\\\\n"}}, .says = "has the two characters"},
    {"the characters \\n in the key", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .key_text = {{"\n", "\\n"}}, .says = "has the two characters"},
    {"spaces for line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", " "}},
     .says = "(line 1) has spaces in the place of line ends|double quotes"},
    {"tabs for line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\t"}}},
    {"backslashes at line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", " \\\n"}}},
    /* characters, with their line */
    {"numbered lines", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "\n    1  "}},
     .says = "(line 2) is damaged: it has a character that is not base64"},
    {"base64 for addresses", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = url_safe, .says = "a character that is not base64 (_)"},
    {"an umlaut", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = umlaut,
     .says = "(line 3) is damaged: it has a character that is not base64 (\xC3\xA4)"},
    {"a byte that is no text", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = high_byte,
     .says = "(line 3) is damaged: it has a character that is not base64 (?)"},
    {"a character in the third line", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = third_line,
     .says = "(line 3) is damaged: it has a character that is not base64 (!)"},
    {"three dots", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = dots,
     .says = "(line 3) is damaged: it has a character that is not base64 (.)"},
    {"quoted-printable", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .cert_text = {{"\n", "=\n"}}},
};
const size_t check_cases_lines_count = sizeof check_cases_lines / sizeof check_cases_lines[0];
