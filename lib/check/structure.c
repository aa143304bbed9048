/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What can be told of a request without X.509: parts that are missing or swapped, damaged PEM,
 * encrypted keys.
 */
#include "check/rules.h"

#include <stdio.h>
#include <string.h>

/* What a fault is about, in quotes; nothing where it may be of a key. */
static const char *show(const emqxi_pem_block *b, char to[24])
{
    char text[13];
    size_t base64 = 0;
    emqxi_text_copy(text, sizeof text, b->shown_len > 0 ? b->shown : "", b->shown_len);
    emqxi_text_clean(text);
    while (emqxi_base64_digit(text[base64]) >= 0)
        base64++;
    to[0] = '\0';
    if (text[0] && base64 < 8)
        snprintf(to, 24, " (%s%s)", text, b->shown_len > 12 ? "..." : "");
    return to;
}

static void found_fault(emqxi_check *c, uint32_t part, size_t i)
{
    const emqxi_pem_block *b = &c->pem[part].blocks[i];
    char shown[24];
    emqxi_found(c, EMQX_TLS_FINDING_PEM_DAMAGED, part, i, "block %zu of %s (line %u) %s%s: %s", i,
                emqxi_part_name(part), (unsigned)b->line, b->fault->what, show(b, shown),
                b->fault->mend);
}

static void found_unexpected(emqxi_check *c, uint32_t part, size_t i)
{
    const emqxi_pem_block *b = &c->pem[part].blocks[i];
    bool key = part == EMQX_TLS_PART_KEY;
    emqxi_nature nature;
    emqxi_recognise_shape(b->shape, false, &nature);
    if (b->shape == EMQXI_DER_CERT || (key && emqxi_der_is_key(b->shape)))
        strcpy(nature.mend, "write its kind into its BEGIN and END lines");
    if (b->shape == EMQXI_DER_NONE)
        emqxi_found_block(c, EMQX_TLS_FINDING_BLOCK_UNEXPECTED, part, i,
                          "is \"%.*s\": only %s belongs there, take it out", (int)b->label_len,
                          b->label, key ? "the private key" : "CERTIFICATE");
    else
        emqxi_found_block(c, EMQX_TLS_FINDING_BLOCK_UNEXPECTED, part, i,
                          "is %s under \"BEGIN %.*s\": %s", nature.what, (int)b->label_len,
                          b->label, nature.mend);
}

/* A block of cert or cacert. True: it is a certificate, as far as PEM can tell. */
static bool certificate_block(emqxi_check *c, uint32_t part, size_t i)
{
    const emqxi_pem_block *b = &c->pem[part].blocks[i];
    if (emqxi_pem_is_cert(b))
        return true;
    if (b->kind == EMQXI_PEM_KEY || emqxi_der_is_key(b->shape))
        emqxi_found_block(c, EMQX_TLS_FINDING_KEY_IN_CERT, part, i,
                          "is a private key: only certificates belong there, give the key in its "
                          "own part");
    else if (b->fault && b->kind != EMQXI_PEM_OTHER && b->kind != EMQXI_PEM_PARAMETERS)
        found_fault(c, part, i);
    else
        found_unexpected(c, part, i);
    c->sound[part] = false;
    return false;
}

static void certificates(emqxi_check *c, uint32_t part)
{
    size_t good = 0;
    for (size_t i = 0; i < c->pem[part].count; i++)
        good += certificate_block(c, part, i);
    if (good > 0 || !c->sound[part])
        return;
    if (part == EMQX_TLS_PART_CERT)
        emqxi_found(
            c, EMQX_TLS_FINDING_NO_LEAF, part, 0,
            "cert has no CERTIFICATE block: give the certificate as PEM, its chain behind it");
    else if (c->request.type != EMQX_TLS_TYPE_ONE_WAY)
        emqxi_found(c, EMQX_TLS_FINDING_CA_MISSING, part, 0,
                    "cacert has no CERTIFICATE block: give the client CA's certificate as PEM");
    c->sound[part] = false;
}

/* Is this the label of a form that the platform takes, or of one with a passphrase? */
static bool is_taken(const emqxi_pem_block *b)
{
    static const char *const labels[] = {"PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY",
                                         "ENCRYPTED PRIVATE KEY"};
    for (size_t i = 0; i < sizeof labels / sizeof labels[0]; i++)
        if (b->label_len == strlen(labels[i]) && memcmp(b->label, labels[i], b->label_len) == 0)
            return true;
    return false;
}

/* A block of key that is no key at all. */
static bool is_foreign(emqxi_check *c, uint32_t part, size_t i)
{
    const emqxi_pem_block *b = &c->pem[part].blocks[i];
    if (b->kind == EMQXI_PEM_CERT || b->shape == EMQXI_DER_CERT)
        emqxi_found_block(c, EMQX_TLS_FINDING_CERT_IN_KEY, part, i,
                          "is a certificate: only the private key belongs there, give "
                          "certificates in cert");
    else if (b->kind == EMQXI_PEM_OTHER || (b->shape && !emqxi_der_is_key(b->shape)))
        found_unexpected(c, part, i);
    else
        return false;
    return true;
}

static void key_block(emqxi_check *c, size_t i, size_t keys_before)
{
    const uint32_t part = EMQX_TLS_PART_KEY;
    const emqxi_pem_block *b = &c->pem[part].blocks[i];
    c->sound[part] = false;
    if (is_foreign(c, part, i))
        return;
    if (keys_before > 0 && b->kind == EMQXI_PEM_KEY)
        emqxi_found_block(c, EMQX_TLS_FINDING_SEVERAL_KEYS, part, i,
                          "is one more private key: leave only that of the leaf");
    else if (b->shape == EMQXI_DER_ENCRYPTED)
        emqxi_found(c, EMQX_TLS_FINDING_KEY_ENCRYPTED, part, i,
                    "the key has a passphrase, and the platform takes none: take it off with "
                    "'openssl pkey -in KEY -out NEW'");
    else if (b->kind == EMQXI_PEM_KEY && !b->shape && !is_taken(b))
        emqxi_found(c, EMQX_TLS_FINDING_KEY_FORMAT, part, i,
                    "the key is a \"%.*s\": the platform takes PKCS#8, PKCS#1 and SEC1, convert it "
                    "to PKCS#8%s",
                    (int)b->label_len, b->label,
                    memcmp(b->label, "OPENSSH", 7) == 0 ? ": 'ssh-keygen -p -m PKCS8 -f KEY'" : "");
    else if (b->fault)
        found_fault(c, part, i);
    else if (b->kind == EMQXI_PEM_KEY && !b->shape)
        emqxi_found(c, EMQX_TLS_FINDING_KEY_DAMAGED, part, i,
                    "the key is no \"%.*s\", as its BEGIN line says, or it is damaged: copy the "
                    "file again, or convert it",
                    (int)b->label_len, b->label);
    else
        c->sound[part] = true;
}

static void key(emqxi_check *c)
{
    const uint32_t part = EMQX_TLS_PART_KEY;
    bool sound = true;
    size_t keys = 0;
    for (size_t i = 0; i < c->pem[part].count; i++) {
        key_block(c, i, keys);
        keys += c->pem[part].blocks[i].kind == EMQXI_PEM_KEY;
        sound = sound && c->sound[part];
    }
    c->sound[part] = sound && keys == 1;
    if (sound && keys == 0)
        emqxi_found(c, EMQX_TLS_FINDING_NO_KEY, part, 0,
                    "key has no private key block: give the leaf's private key as PEM");
}

static bool is_same(const emqxi_pem_block *a, const emqxi_pem_block *b)
{
    return emqxi_pem_is_cert(a) && emqxi_pem_is_cert(b) && a->der_len == b->der_len &&
           memcmp(a->der, b->der, a->der_len) == 0;
}

static void duplicates(emqxi_check *c, uint32_t part)
{
    emqxi_pem *pem = &c->pem[part];
    uint32_t id = part == EMQX_TLS_PART_CERT ? EMQX_TLS_FINDING_CHAIN_DUPLICATE
                                             : EMQX_TLS_FINDING_CA_DUPLICATE;
    for (size_t i = 0; i < pem->count; i++) {
        size_t first = 0;
        while (first < i && !is_same(&pem->blocks[first], &pem->blocks[i]))
            first++;
        pem->blocks[i].repeated = first < i;
        if (first < i)
            emqxi_found_block(c, id, part, i, "is the same certificate as block %zu: take it out",
                              first);
    }
}

/* A part without a block that could be sent may be something else. */
static bool is_something_else(emqxi_check *c, uint32_t part, const char *text, size_t len)
{
    const emqxi_pem *pem = &c->pem[part];
    emqxi_nature nature = {"not text, nor a known kind of file", false, true, "give another file"};
    for (size_t i = 0; i < pem->count; i++)
        if (!pem->blocks[i].fault)
            return false;
    if (!emqxi_recognise(text, len, &nature) && (pem->count > 0 || emqxi_utf8_ok(text, len)))
        return false;
    emqxi_found(c, nature.binary ? EMQX_TLS_FINDING_NOT_UTF8 : EMQX_TLS_FINDING_NOT_PEM, part, 0,
                "%s is %s%s: %s", emqxi_part_name(part), nature.what, nature.der ? " in DER" : "",
                nature.mend);
    return true;
}

/* Scans a part. False: there is nothing in it to look at. */
static bool scan_part(emqxi_check *c, uint32_t part, const char *text, size_t len)
{
    const char *name = emqxi_part_name(part);
    emqxi_pem *pem = &c->pem[part];
    if (len > EMQXI_PART_MAX)
        emqxi_found(c, EMQX_TLS_FINDING_PART_TOO_LARGE, part, 0,
                    "%s has %zu bytes: more than 1 MiB is no %s", name, len,
                    part == EMQX_TLS_PART_KEY ? "private key" : "certificate chain");
    else if (!emqxi_pem_scan(c->allocator, text, len, pem))
        c->report->no_memory = true;
    else if (pem->blank && part != EMQX_TLS_PART_CACERT)
        emqxi_found(c, EMQX_TLS_FINDING_PART_EMPTY, part, 0,
                    "%s is empty: give it as PEM, with its length", name);
    else
        c->sound[part] = pem->blank || !is_something_else(c, part, text, len);
    if (!c->sound[part])
        return false;
    if (pem->stray_line)
        emqxi_found(c, EMQX_TLS_FINDING_STRAY_TEXT, part, 0,
                    "line %u of %s is base64 outside the PEM blocks: it is not sent; see if a "
                    "BEGIN line is missing",
                    (unsigned)pem->stray_line, name);
    return !pem->blank;
}

static void client_ca(emqxi_check *c, uint32_t type, bool any)
{
    const uint32_t part = EMQX_TLS_PART_CACERT;
    if (type == EMQX_TLS_TYPE_TWO_WAY && c->pem[part].blank)
        emqxi_found(c, EMQX_TLS_FINDING_CA_MISSING, part, 0,
                    "two-way needs the client CA: give its certificate in cacert, or use one-way");
    if (type == EMQX_TLS_TYPE_ONE_WAY && !c->pem[part].blank)
        emqxi_found(c, EMQX_TLS_FINDING_CA_UNEXPECTED, part, 0,
                    "one-way takes no client CA: leave cacert empty, or use two-way");
    if (any)
        certificates(c, part);
    duplicates(c, part);
}

void emqxi_check_structure(emqxi_check *c)
{
    const emqx_tls_request *r = &c->request;
    if (r->type != EMQX_TLS_TYPE_ONE_WAY && r->type != EMQX_TLS_TYPE_TWO_WAY)
        emqxi_found(c, EMQX_TLS_FINDING_TYPE_UNKNOWN, EMQX_TLS_PART_REQUEST, 0,
                    "type is %u: use EMQX_TLS_TYPE_ONE_WAY or EMQX_TLS_TYPE_TWO_WAY",
                    (unsigned)r->type);
    if (scan_part(c, EMQX_TLS_PART_CERT, r->cert, r->cert_len))
        certificates(c, EMQX_TLS_PART_CERT);
    duplicates(c, EMQX_TLS_PART_CERT);
    if (scan_part(c, EMQX_TLS_PART_KEY, r->key, r->key_len))
        key(c);
    client_ca(c, r->type, scan_part(c, EMQX_TLS_PART_CACERT, r->cacert, r->cacert_len));
}
