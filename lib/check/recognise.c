/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT */
#include "check/rules.h"

#include <stdio.h>
#include <string.h>

#define BLANKS " \t\r\n"

void emqxi_recognise_shape(enum emqxi_der_shape shape, bool der, emqxi_nature *nature)
{
    static const struct {
        const char *what, *tool; /* of OpenSSL, which makes PEM of it; NULL: none does */
    } rows[] = {
        [EMQXI_DER_CERT] = {"a certificate", "x509"},
        [EMQXI_DER_TRUSTED] = {"a TRUSTED CERTIFICATE of OpenSSL", "x509"},
        [EMQXI_DER_REQUEST] = {"a certificate request", NULL},
        [EMQXI_DER_CRL] = {"a list of revoked certificates (CRL)", NULL},
        [EMQXI_DER_PKCS7] = {"PKCS#7", "pkcs7 -print_certs"},
        [EMQXI_DER_PKCS12] = {"PKCS#12 (PFX)", "pkcs12 -nodes"},
        [EMQXI_DER_PUBLIC] = {"a public key", NULL},
        [EMQXI_DER_PKCS8] = {"a private key", "pkey"},
        [EMQXI_DER_PKCS1] = {"a private key", "pkey"},
        [EMQXI_DER_SEC1] = {"a private key", "pkey"},
        [EMQXI_DER_ENCRYPTED] = {"a private key with a passphrase", "pkey"},
    };
    bool p12 = shape == EMQXI_DER_PKCS12;
    *nature = (emqxi_nature){.what = rows[shape].what, .der = der, .binary = der};
    if (!rows[shape].tool)
        strcpy(nature->mend, shape == EMQXI_DER_REQUEST
                                 ? "send it to the CA, and give the certificate that comes back"
                                 : "take it out");
    else
        snprintf(nature->mend, sizeof nature->mend,
                 "%s'openssl %s%s -in %s -out NEW' makes PEM of it",
                 p12 && !der ? "after 'sed /-----/d FILE | base64 -d > P12', " : "",
                 rows[shape].tool, der && !p12 ? " -inform DER" : "", p12 && !der ? "P12" : "FILE");
}

/* What a file begins with, or has in it. */
enum { START, ANYWHERE, IN_JSON, BINARY, JSON };
static const struct sign {
    const char *bytes;
    size_t len;
    int where;
    const char *what, *mend;
} signs[] = {
#define SIGN(bytes) bytes, sizeof bytes - 1
    {SIGN("\xFE\xED\xFE\xED"), BINARY, "a Java keystore",
     "after 'keytool -importkeystore -srckeystore FILE -destkeystore P12 -deststoretype PKCS12', "
     "'openssl pkcs12 -nodes -in P12 -out NEW' makes PEM of it"},
    {SIGN("\xCE\xCE\xCE\xCE"), BINARY, "a Java keystore (JCEKS)",
     "after 'keytool -importkeystore -srcstoretype JCEKS -srckeystore FILE -destkeystore P12 "
     "-deststoretype PKCS12', 'openssl pkcs12 -nodes -in P12' makes PEM of it"},
    {SIGN("PK\3\4"), BINARY, "a ZIP archive", "unpack it with 'unzip FILE'"},
    {SIGN("\x1F\x8B"), BINARY, "compressed", "unpack it with 'gunzip < FILE > NEW'"},
    {SIGN("LS0tLS1CRUdJTi"), START, "base64 of PEM", "decode it with 'base64 -d FILE > NEW'"},
    {SIGN("LS0tLS1CRUdJTi"), IN_JSON, "JSON with base64 of PEM in it",
     "take it out with: jq -r '.data[\"NAME\"]' FILE | base64 -d > NEW"},
    {SIGN("LS0tLS1CRUdJTi"), ANYWHERE, "YAML or the like with base64 of PEM in it",
     "take it out with: sed -n 's/^ *NAME: *//p' FILE | base64 -d > NEW"},
    {SIGN("TFMwdExTMUNSVWRKVG"), ANYWHERE, "base64 of base64 of PEM",
     "decode it with 'base64 -d FILE | base64 -d > NEW'"},
    {SIGN("BEGIN%20"), ANYWHERE, "percent-encoded",
     "decode it with: python3 -c 'import sys, urllib.parse as u; "
     "print(u.unquote(sys.stdin.read()))'"
     " < FILE > NEW"},
    {SIGN("-----BEGIN+"), ANYWHERE, "percent-encoded",
     "decode it with: python3 -c 'import sys, urllib.parse as u; "
     "print(u.unquote_plus(sys.stdin.read()))' < FILE > NEW"},
    {SIGN("<"), START, "a web page (HTML) or XML", "download the file itself, or take the PEM out"},
    {SIGN("{"), JSON, "JSON", "take the text out with 'jq -r .NAME FILE > NEW'"},
    {SIGN("["), JSON, "JSON", "take the texts out with 'jq -r .[] FILE > NEW'"},
    {SIGN("ssh-"), START, "an SSH public key", "give another file"},
    {SIGN("PuTTY-User-Key-File"), START, "a key of PuTTY",
     "after 'puttygen FILE -O private-openssh -o NEW', 'ssh-keygen -p -m PKCS8 -f NEW' makes PEM "
     "of it"},
    {SIGN("Certificate:"), START, "what 'openssl x509 -text' prints",
     "give the certificate itself"},
};

static bool shows(const struct sign *sign, const char *text, size_t len)
{
    if (sign->where == ANYWHERE || (sign->where == IN_JSON && len > 0 && text[0] == '{'))
        return memmem(text, len, sign->bytes, sign->len);
    size_t n = sign->len;
    if (len < n || memcmp(text, sign->bytes, n) != 0)
        return false;
    while (n < len && memchr(BLANKS, text[n], 4))
        n++;
    return sign->where != JSON || (n < len && memchr("\"{[", text[n], 3));
}

/* UTF-16 of whatever begins with two characters of ASCII. */
static const char *utf16(const char *text, size_t len)
{
    if (len < 4)
        return NULL;
    if (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)
        return "UTF-16";
    if (text[0] && !text[1] && text[2] && !text[3])
        return "UTF-16LE";
    return !text[0] && text[1] && !text[2] && text[3] ? "UTF-16BE" : NULL;
}

/* One line that says where something is. */
static bool is_path(const char *text, size_t len)
{
    if (len < 2 || len > 1024 || memchr(text, '\n', len) || memchr(text, ' ', len))
        return false;
    return text[0] == '/' || text[0] == '~' || text[1] == '/' || text[1] == ':' ||
           memmem(text, len, "://", 3) || (len > 4 && text[len - 4] == '.');
}

static bool is_all(const char *text, size_t len, int (*digit)(char), const char *also)
{
    for (size_t i = 0; i < len; i++)
        if (digit(text[i]) < 0 && !strchr(also, text[i]))
            return false;
    return len >= 80;
}

static bool tell(emqxi_nature *nature, const char *what, bool binary, const char *mend)
{
    *nature = (emqxi_nature){.what = what, .binary = binary};
    snprintf(nature->mend, sizeof nature->mend, "%s", mend);
    return true;
}

bool emqxi_recognise(const char *text, size_t len, emqxi_nature *nature)
{
    emqxi_der first = {(const unsigned char *)text, len}, value;
    const char *from = utf16(text, len);
    if (from) {
        tell(nature, "UTF-16 text", true, "");
        snprintf(nature->mend, sizeof nature->mend,
                 "'iconv -f %s -t UTF-8 FILE > NEW' makes UTF-8 of it", from);
        return true;
    }
    if (emqxi_der_match(first, ".", &value)) /* something may stand behind it */
        first.len = (size_t)(value.p + value.len - first.p);
    if (emqxi_der_shape(first) != EMQXI_DER_NONE) {
        emqxi_recognise_shape(emqxi_der_shape(first), true, nature);
        return true;
    }
    for (; len > 0 && memchr(BLANKS, text[0], 4); len--)
        text++;
    for (; len > 0 && memchr(BLANKS, text[len - 1], 4);)
        len--;
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        if (shows(&signs[i], text, len))
            return tell(nature, signs[i].what, signs[i].where == BINARY, signs[i].mend);
    if (is_path(text, len))
        return tell(nature, "a path or an address", false, "give what the file holds");
    if (is_all(text, len, emqxi_base64_digit, "=" BLANKS) && memcmp(text, "MI", 2) == 0)
        return tell(nature, "base64 without BEGIN and END lines", false,
                    "put the line -----BEGIN CERTIFICATE----- before it and -----END "
                    "CERTIFICATE----- behind it, or those of its kind of key");
    if (is_all(text, len, emqxi_hex_digit, ":" BLANKS) && memcmp(text, "30", 2) == 0)
        return tell(nature, "DER in hexadecimal digits", false,
                    "'tr -d : < FILE | xxd -r -p > NEW' makes DER of it");
    return false;
}
