/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * Cases about files that are something else than the PEM that they should be.
 */
#include "cases.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

static void utf16(pki_text *t, const char *mark, bool big)
{
    pki_text to = {0};
    pki_append(&to, mark, strlen(mark));
    for (size_t i = 0; i < t->len; i++) {
        char pair[2] = {t->data[i], 0};
        if (big) {
            pair[1] = pair[0];
            pair[0] = 0;
        }
        pki_append(&to, pair, 2);
    }
    free(t->data);
    *t = to;
}

static void utf16le(pki_text *t)
{
    utf16(t, "\xFF\xFE", false);
}

static void utf16be(pki_text *t)
{
    utf16(t, "\xFE\xFF", true);
}

static void utf16le_bare(pki_text *t)
{
    utf16(t, "", false);
}

static void utf16be_bare(pki_text *t)
{
    utf16(t, "", true);
}

static void base64(pki_text *t)
{
    unsigned char *to = malloc(t->len * 2 + 8);
    int len = EVP_EncodeBlock(to, (const unsigned char *)t->data, (int)t->len);
    free(t->data);
    *t = (pki_text){(char *)to, (size_t)len};
}

static void base64_twice(pki_text *t)
{
    base64(t);
    base64(t);
}

static void hexadecimal(pki_text *t)
{
    pki_text to = {0};
    for (size_t i = 0; i < t->len; i++) {
        static const char digits[] = "0123456789ABCDEF";
        unsigned char c = (unsigned char)t->data[i];
        pki_append(&to, (char[]){digits[c >> 4], digits[c & 15], i % 16 == 15 ? '\n' : ':'}, 3);
    }
    free(t->data);
    *t = to;
}

#define X509_DER "'openssl x509 -inform DER -in FILE -out NEW' makes PEM of it"

const check_case check_cases_files[] = {
    /* whole files */
    {"UTF-16, little end first", "leaf inter", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .edit_cert = utf16le, .says = "UTF-16 text|iconv -f UTF-16 "},
    {"UTF-16, big end first", "leaf inter", "leaf.key", NULL, "!not-utf8@key.0", "",
     .edit_key = utf16be, .says = "key is UTF-16 text|iconv -f UTF-16 "},
    {"UTF-16 without a mark", "leaf inter", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .edit_cert = utf16le_bare, .says = "iconv -f UTF-16LE"},
    {"UTF-16 without a mark, big end first", "bag leaf inter", "leaf.key", NULL, "!not-utf8@cert.0",
     "", .edit_cert = utf16be_bare, .says = "iconv -f UTF-16BE"},
    {"UTF-8 with a mark", "leaf inter", "leaf.key", NULL, "", "",
     .cert_text = {{"^", "\xEF\xBB\xBF"}}, .key_text = {{"^", "\xEF\xBB\xBF"}}},
    {"a certificate in DER", "leaf.der", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .says = "cert is a certificate in DER|" X509_DER},
    {"a certificate in DER with a newline", "leaf.der space", "leaf.key", NULL, "!not-utf8@cert.0",
     "", .says = X509_DER},
    {"a certificate in DER for the key", "leaf inter", "leaf.der", NULL, "!not-utf8@key.0", "",
     .says = "key is a certificate"},
    {"a PKCS#8 key in DER", "leaf inter", "leaf.keyder", NULL, "!not-utf8@key.0", "",
     .says = "a private key in DER|'openssl pkey -inform DER -in FILE -out NEW' makes PEM of it"},
    {"a SEC1 key in DER", "leaf inter", "leaf.sec1der", NULL, "!not-utf8@key.0", "",
     .says = "a private key in DER|openssl pkey -inform DER"},
    {"a PKCS#1 key in DER", "rsa2048 rsaca", "rsa2048.pkcs1der", NULL, "!not-utf8@key.0", "",
     .says = "a private key in DER|openssl pkey -inform DER"},
    {"a sealed key in DER", "leaf inter", "leaf.sealedder", NULL, "!not-utf8@key.0", "",
     .says = "with a passphrase|openssl pkey -inform DER"},
    {"a public key in DER", "leaf inter", "leaf.publicder", NULL, "!not-utf8@key.0", "",
     .says = "a public key"},
    {"PKCS#12", "pfx", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .says = "PKCS#12 (PFX)|'openssl pkcs12 -nodes -in FILE -out NEW'"},
    {"PKCS#12 without a password, for the key", "leaf inter", "pfx-bare", NULL, "!not-utf8@key.0",
     "", .says = "PKCS#12 (PFX)"},
    {"PKCS#7 in DER", "p7b", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .says = "PKCS#7|'openssl pkcs7 -print_certs -inform DER -in FILE -out NEW'"},
    {"PKCS#7 in BER", "ber-p7b", "leaf.key", NULL, "!not-utf8@cert.0", "", .says = "PKCS#7"},
    {"a request in DER", "request", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .says = "a certificate request|give the certificate that comes back"},
    {"a CRL in DER", "crl", "leaf.key", NULL, "!not-utf8@cert.0", "", .says = "CRL"},
    {"a client CA in DER", "leaf inter", "leaf.key", "root.der", "!not-utf8@cacert.0", "",
     .says = "cacert is a certificate in DER"},
    {"a Java keystore", "jks", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .says = "Java keystore|keytool -importkeystore"},
    {"a Java keystore for the key", "leaf inter", "jceks", NULL, "!not-utf8@key.0", "",
     .says = "Java keystore|-srcstoretype JCEKS"},
    {"a ZIP archive", "zip", "leaf.key", NULL, "!not-utf8@cert.0", "", .says = "unzip"},
    {"compressed", "gz", "leaf.key", NULL, "!not-utf8@cert.0", "", .says = "gunzip"},
    {"noise", "noise", "leaf.key", NULL, "!not-utf8@cert.0", "",
     .says = "not text, nor a known kind"},
    {"a web page", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text =
         {{"*", "<html>\n<head><title>404 Not Found</title></head>\n<body>-----</body></html>\n"}},
     .says = "web page"},
    {"a web page with the PEM in it", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"^", "<!DOCTYPE html>\n<html><body><pre>"}, {"$", "</pre></body></html>\n"}},
     .says = "web page"},
    {"JSON", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"\n", "\\n"}, {"^", "{\n  \"certificate\": \""}, {"$", "\"\n}\n"}},
     .says = "JSON|jq -r .NAME"},
    {"a list in JSON", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"\n", "\\n"}, {"^", "[\""}, {"$", "\"]\n"}}, .says = "JSON|jq -r .[]"},
    {"JSON without PEM", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"*", "{\"errors\":[\"permission denied\"]}\n"}}, .says = "JSON"},
    {"JSON for the key", "leaf inter", "leaf.key", NULL, "!not-pem@key.0", "",
     .key_text = {{"\n", "\\n"}, {"^", "{\n  \"certificate\": \""}, {"$", "\"\n}\n"}},
     .says = "JSON"},
    {"base64 of PEM", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0 !not-pem@key.0", "",
     .edit_cert = base64, .edit_key = base64, .says = "base64 of PEM|base64 -d"},
    {"base64 of base64 of PEM", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .edit_cert = base64_twice, .says = "base64"},
    {"a Secret of Kubernetes", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .edit_cert = base64,
     .cert_text = {{"^", "apiVersion: v1\nkind: Secret\ndata:\n  tls.crt: "}, {"$", "\n"}},
     .says = "YAML or the like with base64 of PEM|sed -n 's/^ *NAME: *//p' FILE"},
    {"a Secret of Kubernetes in JSON", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .edit_cert = base64, .cert_text = {{"^", "{\"data\": {\"tls.crt\": \""}, {"$", "\"}}"}},
     .says = "JSON with base64 of PEM|jq -r '.data[\"NAME\"]' FILE"},
    {"percent-encoded", "leaf inter", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"+", "%2B"}, {" ", "%20"}, {"\n", "%0A"}},
     .says = "percent-encoded|u.unquote("},
    {"encoded as a form", "leaf inter", "leaf.key", NULL, "!not-pem@key.0", "",
     .key_text = {{"+", "%2B"}, {" ", "+"}, {"\n", "%0D%0A"}},
     .says = "percent-encoded|u.unquote_plus("},
    {"a row of base64 without BEGIN and END", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{BEGIN "\n", ""}, {END "\n", ""}}, .says = "without BEGIN and END"},
    {"DER in hexadecimal digits", "leaf.der", "leaf.key", NULL, "!not-pem@cert.0", "",
     .edit_cert = hexadecimal, .says = "hexadecimal|xxd -r -p"},
    {"a path", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"*", "/etc/letsencrypt/live/mqtt.example.com/fullchain.pem\n"}},
     .says = "a path"},
    {"a path from here", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"*", "certs/server.crt"}}, .says = "a path"},
    {"a path of Windows", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"*", "C:\\certs\\server.pem"}}, .says = "a path"},
    {"an address", "leaf", "leaf.key", NULL, "!not-pem@cert.0", "",
     .cert_text = {{"*", "https://example.com/chain.pem"}}, .says = "address"},
    {"an SSH public key", "leaf inter", "leaf.key", NULL, "!not-pem@key.0", "",
     .key_text = {{"*", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPxn0vXoxFM me@here\n"}},
     .says = "SSH public key"},
    {"a key of PuTTY", "leaf inter", "leaf.key", NULL, "!not-pem@key.0", "",
     .key_text = {{"*", "PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\n"}},
     .says = "PuTTY|puttygen"},
    {"what openssl -text prints, alone", "printed", "leaf.key", NULL, "!not-pem@cert.0", "",
     .says = "openssl x509 -text"},
    /* blocks that are something else */
    {"PKCS#7 under its own label", "p7b@PKCS7", "leaf.key", NULL, "!block-unexpected@cert.0", "",
     .says = "PKCS#7|'openssl pkcs7 -print_certs -in FILE -out NEW' makes PEM of it"},
    {"PKCS#7 under CMS", "p7b@CMS", "leaf.key", NULL, "!block-unexpected@cert.0", "",
     .says = "PKCS#7"},
    {"PKCS#7 under CERTIFICATE", "p7b@CERTIFICATE", "leaf.key", NULL, "!block-unexpected@cert.0",
     "", .says = "PKCS#7 under \"BEGIN CERTIFICATE\"|openssl pkcs7 -print_certs -in FILE"},
    {"PKCS#7 in BER under CERTIFICATE", "ber-p7b@CERTIFICATE", "leaf.key", NULL,
     "!block-unexpected@cert.0", "", .says = "PKCS#7"},
    {"PKCS#12 under CERTIFICATE", "pfx@CERTIFICATE", "leaf.key", NULL, "!block-unexpected@cert.0",
     "", .says = "PKCS#12 (PFX)|base64 -d|openssl pkcs12 -nodes"},
    {"PKCS#12 under PKCS12", "pfx@PKCS12", "leaf.key", NULL, "!block-unexpected@cert.0", "",
     .says = "PKCS#12 (PFX)"},
    {"PKCS#12 under PRIVATE KEY", "leaf inter", "pfx@PRIVATE_KEY", NULL, "!block-unexpected@key.0",
     "", .says = "PKCS#12 (PFX)"},
    {"a request under its own label", "request@CERTIFICATE_REQUEST", "leaf.key", NULL,
     "!block-unexpected@cert.0", "", .says = "a certificate request|certificate that comes back"},
    {"a request beside the key", "leaf inter", "leaf.key request@NEW_CERTIFICATE_REQUEST", NULL,
     "!block-unexpected@key.1", "", .says = "a certificate request"},
    {"a CRL behind the chain", "leaf inter crl@X509_CRL", "leaf.key", NULL,
     "!block-unexpected@cert.2", "", .says = "CRL|take it out"},
    {"a CRL under CERTIFICATE", "leaf inter crl@CERTIFICATE", "leaf.key", NULL,
     "!block-unexpected@cert.2", "", .says = "CRL"},
    {"a TRUSTED CERTIFICATE", "trusted-der@TRUSTED_CERTIFICATE inter", "leaf.key", NULL,
     "!block-unexpected@cert.0", "", .says = "TRUSTED|'openssl x509 -in FILE -out NEW'"},
    {"a TRUSTED CERTIFICATE under CERTIFICATE", "trusted-der@CERTIFICATE inter", "leaf.key", NULL,
     "!block-unexpected@cert.0", "", .says = "TRUSTED|'openssl x509 -in FILE -out NEW'"},
    {"a certificate under TRUSTED CERTIFICATE", "leaf.der@TRUSTED_CERTIFICATE inter", "leaf.key",
     NULL, "!block-unexpected@cert.0", "", .says = "a certificate under"},
    {"a certificate under a label that is none", "leaf.der@CERT inter", "leaf.key", NULL,
     "!block-unexpected@cert.0", "", .says = "a certificate under \"BEGIN CERT\""},
    {"a public key under CERTIFICATE", "leaf.publicder@CERTIFICATE", "leaf.key", NULL,
     "!block-unexpected@cert.0", "", .says = "a public key"},
    {"a public key under PRIVATE KEY", "leaf inter", "leaf.publicder@PRIVATE_KEY", NULL,
     "!block-unexpected@key.0", "", .says = "a public key"},
    {"a key under CERTIFICATE", "leaf.keyder@CERTIFICATE", "leaf.key", NULL, "!key-in-cert@cert.0",
     ""},
    {"a SEC1 key under CERTIFICATE", "leaf inter leaf.sec1der@CERTIFICATE", "leaf.key", NULL,
     "!key-in-cert@cert.2", ""},
    {"a certificate under EC PRIVATE KEY", "leaf inter", "leaf.der@EC_PRIVATE_KEY", NULL,
     "!cert-in-key@key.0", ""},
    {"a key under a label that is none", "leaf inter", "leaf.keyder@KEY", NULL,
     "!block-unexpected@key.0", "", .says = "a private key under \"BEGIN KEY\"|BEGIN and END"},
    /* a key under another key's label */
    {"PKCS#8 under EC PRIVATE KEY", "leaf inter", "leaf.keyder@EC_PRIVATE_KEY", NULL, "", ""},
    {"PKCS#8 under RSA PRIVATE KEY", "rsa2048 rsaca", "rsa2048.keyder@RSA_PRIVATE_KEY", NULL, "",
     ""},
    {"PKCS#8 of EC under RSA PRIVATE KEY", "leaf inter", "leaf.keyder@RSA_PRIVATE_KEY", NULL, "",
     ""},
    {"SEC1 under PRIVATE KEY", "leaf inter", "leaf.sec1der@PRIVATE_KEY", NULL, "", ""},
    {"SEC1 under RSA PRIVATE KEY", "leaf inter", "leaf.sec1der@RSA_PRIVATE_KEY", NULL, "", ""},
    {"PKCS#1 under PRIVATE KEY", "rsa2048 rsaca", "rsa2048.pkcs1der@PRIVATE_KEY", NULL, "", ""},
    {"PKCS#1 under EC PRIVATE KEY", "rsa2048 rsaca", "rsa2048.pkcs1der@EC_PRIVATE_KEY", NULL, "",
     ""},
    {"an open key under ENCRYPTED PRIVATE KEY", "leaf inter", "leaf.keyder@ENCRYPTED_PRIVATE_KEY",
     NULL, "", ""},
    {"SEC1 under ANY PRIVATE KEY", "leaf inter", "leaf.sec1der@ANY_PRIVATE_KEY", NULL, "", ""},
    {"a sealed key under EC PRIVATE KEY", "leaf inter", "leaf.sealedder@EC_PRIVATE_KEY", NULL,
     "!key-encrypted@key.0", ""},
    {"another key under another label", "leaf inter", "other.sec1der@PRIVATE_KEY", NULL, "",
     "!key-mismatch@key.0"},
};
const size_t check_cases_files_count = sizeof check_cases_files / sizeof check_cases_files[0];
