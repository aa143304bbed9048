/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Cases about BEGIN and END lines, what stands around them, and the lines between.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

static void first(pki_text *t, const char *text)
{
    pki_text to = {0};
    pki_append(&to, text, strlen(text));
    pki_append(&to, t->data, t->len);
    free(t->data);
    *t = to;
}

/* Behind the last line, on that line. */
static void last(pki_text *t, const char *text)
{
    while (t->len > 0 && t->data[t->len - 1] == '\n')
        t->data[--t->len] = '\0';
    pki_append(t, text, strlen(text));
}

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

static void joined(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
                  "-----END CERTIFICATE----------BEGIN CERTIFICATE-----");
}

static void joined_crlf(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----\n-----BEGIN CERTIFICATE-----",
                  "-----END CERTIFICATE-----  -----BEGIN CERTIFICATE-----");
}

static void data_before_end(pki_text *t)
{
    check_replace(t, "\n-----END CERTIFICATE-----", "-----END CERTIFICATE-----");
}

static void data_behind_begin(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----\n", "-----BEGIN CERTIFICATE-----");
}

static void quoted(pki_text *t)
{
    first(t, "\"");
    last(t, "\"\n");
}

static void closing_quote(pki_text *t)
{
    last(t, "\"\n");
}

static void assignment(pki_text *t)
{
    first(t, "TLS_CERT=\"");
}

static void exported(pki_text *t)
{
    first(t, "export TLS_CERT='");
    last(t, "'\n");
}

static void yaml_key(pki_text *t)
{
    first(t, "tls_cert: ");
}

static void mail(pki_text *t)
{
    check_replace(t, "\n", "\n> ");
    first(t, "> ");
}

static void diff(pki_text *t)
{
    check_replace(t, "\n", "\n+");
    first(t, "+");
}

static void c_string(pki_text *t)
{
    check_replace(t, "\n", "\\n\"\n\"");
    first(t, "\"");
}

static void semicolon(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----", "-----END CERTIFICATE-----;");
}

static void comment_behind_end(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----", "-----END CERTIFICATE----- # the leaf");
}

static void comment_behind_begin(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----", "-----BEGIN CERTIFICATE----- # the leaf");
}

static void tag_behind_end(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----", "-----END CERTIFICATE-----</pre>");
}

static void four_dashes(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----", "----BEGIN CERTIFICATE----");
    check_replace(t, "-----END CERTIFICATE-----", "----END CERTIFICATE----");
}

static void six_dashes(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----", "------BEGIN CERTIFICATE------");
    check_replace(t, "-----END CERTIFICATE-----", "------END CERTIFICATE------");
}

static void four_dashes_end(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----", "----END CERTIFICATE----");
}

static void en_dashes(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----",
                  "\xE2\x80\x93\xE2\x80\x93"
                  "BEGIN CERTIFICATE\xE2\x80\x93\xE2\x80\x93");
}

static void em_dashes(pki_text *t)
{
    check_replace(t, "-----", "\xE2\x80\x94\xE2\x80\x94");
}

static void minus(pki_text *t)
{
    check_replace(t, "-----", "\xE2\x88\x92\xE2\x88\x92\xE2\x88\x92\xE2\x88\x92\xE2\x88\x92");
}

static void stars(pki_text *t)
{
    check_replace(t, "-----", "*****");
}

static void no_dashes(pki_text *t)
{
    check_replace(t, "-----", "");
}

static void inner_spaces(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----", "----- BEGIN CERTIFICATE -----");
    check_replace(t, "-----END CERTIFICATE-----", "----- END CERTIFICATE -----");
}

static void two_spaces(pki_text *t)
{
    check_replace(t, "BEGIN CERT", "BEGIN  CERT");
}

static void no_space(pki_text *t)
{
    check_replace(t, "BEGIN CERT", "BEGINCERT");
    check_replace(t, "END CERT", "ENDCERT");
}

static void underline(pki_text *t)
{
    check_replace(t, "BEGIN CERT", "BEGIN_CERT");
}

static void no_break_space(pki_text *t)
{
    check_replace(t, "BEGIN CERT",
                  "BEGIN\xC2\xA0"
                  "CERT");
}

static void small(pki_text *t)
{
    check_replace(t, "BEGIN CERTIFICATE", "begin certificate");
    check_replace(t, "END CERTIFICATE", "end certificate");
}

static void title(pki_text *t)
{
    check_replace(t, "BEGIN CERTIFICATE", "Begin Certificate");
    check_replace(t, "END CERTIFICATE", "End Certificate");
}

static void begin_cut(pki_text *t)
{
    cut(t, 0, 1);
}

static void begin_gone(pki_text *t)
{
    check_replace(t, "-----BEGIN CERTIFICATE-----\n", "");
}

static void end_gone(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----\n", "");
}

static void end_small(pki_text *t)
{
    check_replace(t, "END CERTIFICATE", "end certificate");
}

static void key_four_dashes(pki_text *t)
{
    check_replace(t, "-----BEGIN PRIVATE KEY-----", "----BEGIN PRIVATE KEY----");
}

static void key_quoted(pki_text *t)
{
    first(t, "\"");
    last(t, "\"\n");
}

static void key_escaped(pki_text *t)
{
    check_replace(t, "\n", "\\n");
}

static void key_begin_gone(pki_text *t)
{
    check_replace(t, "-----BEGIN PRIVATE KEY-----\n", "");
}

static void key_row_behind_end(pki_text *t)
{
    last(t, "");
    char row[64];
    memcpy(row, strchr(t->data, '\n') + 1, sizeof row);
    pki_append(t, row, sizeof row);
}

static void escaped_lf(pki_text *t)
{
    check_replace(t, "\n", "\\n");
}

static void escaped_crlf(pki_text *t)
{
    check_replace(t, "\n", "\\r\\n");
}

static void escaped_and_lf(pki_text *t)
{
    check_replace(t, "\n", "\\n\n");
}

static void escaped_assignment(pki_text *t)
{
    check_replace(t, "\n", "\\n");
    first(t, "TLS_CERT=\"");
    last(t, "\"\n");
}

static void escaped_twice(pki_text *t)
{
    check_replace(t, "\n", "\\\\n");
}

static void spaces(pki_text *t)
{
    check_replace(t, "\n", " ");
}

static void tabs(pki_text *t)
{
    check_replace(t, "\n", "\t");
}

static void backslashes(pki_text *t)
{
    check_replace(t, "\n", " \\\n");
}

static void columns(pki_text *t)
{
    check_replace(t, "\n", "\n    1  ");
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

static void quoted_printable(pki_text *t)
{
    check_replace(t, "\n", "=\n");
}

static void padded(pki_text *t)
{
    pki_append(t, "\0\0\0\0\0\0\0\0", 8);
}

static void padded_between(pki_text *t)
{
    pki_text to = {0};
    size_t at = (size_t)(strstr(t->data, "-----END CERTIFICATE-----") - t->data) + 26;
    pki_append(&to, t->data, at);
    pki_append(&to, "\0\0\0", 3);
    pki_append(&to, t->data + at, t->len - at);
    free(t->data);
    *t = to;
}

static void no_break_ends(pki_text *t)
{
    check_replace(t, "\n", "\xC2\xA0\n\xE2\x80\x8B");
}

static void row_of_dashes(pki_text *t)
{
    first(t, "----------------------------------------\n");
    check_replace(t, "-----END CERTIFICATE-----\n",
                  "-----END CERTIFICATE-----\n----------------------------------------\n");
}

static void equals(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----\n",
                  "-----END CERTIFICATE-----\n============================================\n");
}

static void serial(pki_text *t)
{
    first(t, "serial=0A1B2C3D4E5F60718293A4B5C6D7E8F9\nModulus="
             "C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1B2C5A1\n");
}

static void fingerprint(pki_text *t)
{
    first(t, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\n");
}

static void s_client(pki_text *t)
{
    first(t, "CONNECTED(00000003)\n---\nCertificate chain\n 0 s:CN = x\n---\nServer certificate\n");
    last(t, "\n---\nSSL handshake has read 3000 bytes\n---\n");
}

static void noted(pki_text *t)
{
    first(t, "--- BEGIN CERTIFICATE of the broker ---\nwhat follows is the chain\n");
    last(t, "\n# END CERTIFICATE\n");
}

static void yaml_block(pki_text *t)
{
    check_replace(t, "\n", "\n    ");
    first(t, "tls_cert: |\n    ");
}

static void comments_between(pki_text *t)
{
    check_replace(t, "-----END CERTIFICATE-----\n",
                  "-----END CERTIFICATE-----\n# \xC3\xBC \xFC \x01 -----BEGIN\n");
}

static void key_named_in_prose(pki_text *t)
{
    first(t, "This PRIVATE KEY was made by hand.\n");
}

const check_case check_cases_lines[] = {
    /* what is outside of the blocks is not sent: nothing is said of it */
    {"a row of dashes", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = row_of_dashes,
     .edit_key = row_of_dashes},
    {"an underline of equals signs", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = equals},
    {"serial and modulus", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = serial},
    {"a fingerprint", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = fingerprint},
    {"NULs behind the blocks", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = padded,
     .edit_key = padded},
    {"NULs between the blocks", "leaf inter", "leaf.key", NULL, "", "",
     .edit_cert = padded_between},
    {"what openssl s_client prints", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = s_client},
    {"BEGIN and END in comments", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = noted},
    {"comments in any bytes between the blocks", "leaf inter", "leaf.key", NULL, "", "",
     .edit_cert = comments_between},
    {"an indented block of YAML", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = yaml_block,
     .edit_key = yaml_block},
    {"no-break and zero-width spaces around lines", "leaf inter", "leaf.key", NULL, "", "",
     .edit_cert = no_break_ends, .edit_key = no_break_ends},
    {"a key that prose speaks of", "leaf inter", "leaf.key", NULL, "", "",
     .edit_key = key_named_in_prose},
    /* two boundaries, or data, on one line */
    {"END and BEGIN joined", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = joined},
    {"END and BEGIN joined by spaces", "leaf inter", "leaf.key", NULL, "", "",
     .edit_cert = joined_crlf},
    {"END behind the last line of data", "leaf inter", "leaf.key", NULL, "", "",
     .edit_cert = data_before_end},
    {"data behind BEGIN", "leaf inter", "leaf.key", NULL, "", "", .edit_cert = data_behind_begin},
    /* something before BEGIN or behind END */
    {"all in quotes", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0 !pem-damaged@cert.1", "",
     .edit_cert = quoted,
     .says = "(line 1) has something before its BEGIN line (\")|has something behind its END line "
             "(\")"},
    {"a quote behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = closing_quote, .says = "has something behind its END line (\"): take it away"},
    {"an assignment", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = assignment,
     .says = "(line 1) has something before its BEGIN line (TLS_CERT=\")"},
    {"an export", "leaf inter", "leaf.key", NULL, "!pem-damaged@cert.0 !pem-damaged@cert.1", "",
     .edit_cert = exported, .says = "before its BEGIN line (export TLS_C...)"},
    {"a key of YAML", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = yaml_key,
     .says = "before its BEGIN line (tls_cert:)"},
    {"quoted by a mail", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = mail,
     .says = "before its BEGIN line (>)"},
    {"an added part of a diff", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = diff, .says = "before its BEGIN line (+)"},
    {"strings of C", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = c_string,
     .says = "two characters"},
    {"a semicolon behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = semicolon, .says = "behind its END line (;)"},
    {"a comment behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = comment_behind_end, .says = "behind its END line (# the leaf)"},
    {"a comment behind BEGIN", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = comment_behind_begin, .says = "behind its BEGIN line"},
    {"a tag behind END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = tag_behind_end, .says = "behind its END line (</pre>)"},
    {"a quoted key", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = key_quoted, .says = "(line 1) has something before its BEGIN line"},
    {"a row of the key behind its END", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = key_row_behind_end, .says = "has something behind its END line: take it away"},
    /* dashes, spaces and letters of BEGIN and END */
    {"four dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = four_dashes,
     .says = "not quite BEGIN or END (----BEGIN CE...)"},
    {"en dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = en_dashes,
     .says = "not quite BEGIN or END"},
    {"em dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = em_dashes,
     .says = "not quite BEGIN or END"},
    {"minus signs", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = minus,
     .says = "not quite BEGIN or END"},
    {"stars", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = stars,
     .says = "not quite"},
    {"no dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = no_dashes,
     .says = "not quite BEGIN or END (BEGIN CERTIF...)"},
    {"spaces inside the dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = inner_spaces, .says = "not quite BEGIN or END (----- BEGIN ...)"},
    {"two spaces", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = two_spaces,
     .says = "not quite"},
    {"no space", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = no_space,
     .says = "not quite"},
    {"an underline", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = underline,
     .says = "not quite"},
    {"a no-break space", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = no_break_space, .says = "not quite"},
    {"small letters", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = small,
     .says = "not quite"},
    {"a title", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = title,
     .says = "not quite"},
    {"a lost dash", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = begin_cut,
     .says = "not quite BEGIN or END (----BEGIN CE...)"},
    {"four dashes around END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = four_dashes_end, .says = "not quite BEGIN or END (----END CERT...)"},
    {"a small END", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = end_small,
     .says = "not quite BEGIN or END (-----end cer...)"},
    {"six dashes", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = six_dashes,
     .says = "before its BEGIN line (-)"},
    {"four dashes around two blocks", "leaf inter", "leaf.key", NULL,
     "!pem-damaged@cert.0 !pem-damaged@cert.1", "", .edit_cert = four_dashes,
     .says = "(line 1) has a line that is not quite"},
    {"a key with four dashes", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = key_four_dashes, .says = "not quite"},
    {"BEGIN is missing", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = begin_gone, .says = "(line 1) has an END line without its BEGIN"},
    {"the second BEGIN is missing", "leaf no-begin", "leaf.key", NULL, "!pem-damaged@cert.1", "",
     .says = "without its BEGIN"},
    {"END is missing", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = end_gone,
     .says = "has no END line"},
    {"the BEGIN of the key is missing", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = key_begin_gone, .says = "without its BEGIN"},
    /* line ends that are something else */
    {"the characters \\n", "leaf inter", "leaf.key", NULL,
     "!pem-damaged@cert.0 !pem-damaged@cert.1", "", .edit_cert = escaped_lf,
     .says = "has the two characters \\n in the place of line ends|printf %b"},
    {"the characters \\r\\n", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = escaped_crlf, .says = "has the two characters"},
    {"the characters \\n and a line end", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = escaped_and_lf, .says = "has the two characters"},
    {"the characters \\n in an assignment", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = escaped_assignment, .says = "has the two characters|(TLS_CERT="},
    {"the characters \\\\n", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = escaped_twice, .says = "has the two characters"},
    {"the characters \\n in the key", "leaf inter", "leaf.key", NULL, "!pem-damaged@key.0", "",
     .edit_key = key_escaped, .says = "has the two characters"},
    {"spaces for line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = spaces, .says = "(line 1) has spaces in the place of line ends|double quotes"},
    {"tabs for line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = tabs},
    {"backslashes at line ends", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "",
     .edit_cert = backslashes},
    /* characters, with their line */
    {"numbered lines", "leaf", "leaf.key", NULL, "!pem-damaged@cert.0", "", .edit_cert = columns,
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
     .edit_cert = quoted_printable},
};
const size_t check_cases_lines_count = sizeof check_cases_lines / sizeof check_cases_lines[0];
