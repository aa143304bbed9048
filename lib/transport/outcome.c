/* Copyright 2026 the libemqxtls authors. SPDX-License-Identifier: MIT
 *
 * What became of an exchange, for done.
 */
#include "transport/curl.h"

#define TOO_LARGE ((CURLcode)100) /* CURLE_TOO_LARGE of 8.6 */

/* Fixed texts: libcurl's error buffer may hold a proxy's password or a header. */
static const struct {
    CURLcode result;
    bool permanent; /* trying again can't mend it */
    const char *text;
} words[] = {
    {CURLE_COULDNT_RESOLVE_HOST, false, "the host's name could not be resolved"},
    {CURLE_COULDNT_RESOLVE_PROXY, false,
     "the proxy's URL is none, or its name could not be resolved"},
    {CURLE_COULDNT_CONNECT, false,
     "the host (or its proxy) refused the connection or can't be reached"},
    {CURLE_PEER_FAILED_VERIFICATION, true, NULL},
    {CURLE_SSL_CACERT_BADFILE, true,
     "the file of CA certificates can't be used: name a good one in ca_file"},
    {CURLE_SSL_CONNECT_ERROR, false, "the TLS handshake failed"},
    {CURLE_GOT_NOTHING, false, "the connection was closed before an answer came"},
    {CURLE_PARTIAL_FILE, false, "the connection was closed in the middle of the answer"},
    {CURLE_SEND_ERROR, false, "the connection was lost while sending"},
    {CURLE_RECV_ERROR, false, "the connection was lost before the answer was complete"},
    {CURLE_WRITE_ERROR, true, "the answer's head is too long"},
    {CURLE_UNSUPPORTED_PROTOCOL, true, "the answer is not HTTP"},
    {CURLE_WEIRD_SERVER_REPLY, true, "the answer is not HTTP"},
};

static void explain(const emqxi_transfer *t, emqx_tls_reply *reply)
{
    long tunnel = 0;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, &tunnel);
    reply->detail = curl_easy_strerror(t->result);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].result == t->result) {
            reply->detail = words[i].text ? words[i].text : emqxi_verify_why(t);
            reply->flags = words[i].permanent ? EMQX_TLS_REPLY_PERMANENT : 0;
        }
    if (!t->departed && tunnel == 407)
        reply->detail = "the proxy wants a login: put it into the proxy's URL";
    else if (!t->departed && tunnel >= 300)
        reply->detail = "the proxy refused to connect to the host";
}

/* libcurl says that it has no memory for a line of more than 100 KB, and later that it is large. */
static bool line_too_long(const emqxi_transfer *t)
{
    curl_off_t first_byte = 0;
    if (t->head_whole || t->no_memory)
        return false;
    if (t->result != CURLE_OUT_OF_MEMORY)
        return t->result == TOO_LARGE && t->departed;
    return curl_easy_getinfo(t->easy, CURLINFO_STARTTRANSFER_TIME_T, &first_byte) == CURLE_OK &&
           first_byte > 0;
}

/* Was it told that a success has no body? libcurl takes a connection that was cut off behind a head
 * without a length for the body's end, and "no certificate" would be read into it. Of HTTP/2 it
 * tells no END_STREAM, but one that came with the head can be known: nothing was read behind it, and
 * what stood in the same record did not end the connection. */
static bool end_told(const emqxi_transfer *t, long status)
{
    const emqxi_closure *closure = &t->closure;
    long version = 0;
    if (t->reply_len > 0 || t->framed || status == 204 || status >= 300)
        return true;
    curl_easy_getinfo(t->easy, CURLINFO_HTTP_VERSION, &version);
    if (t->result != CURLE_OK || version < CURL_HTTP_VERSION_2_0)
        return t->result == CURLE_OK && closure->told;
    return t->curl->libcurl->drops_reset_heads && closure->known &&
           closure->bytes == closure->head_bytes && emqxi_opened_find(t->curl, t->local_port) >= 0;
}

/* What is wrong with it, for which libcurl's word is not enough. OK: nothing. `status` 0: there was
 * no answer. */
static emqx_tls_code own_fault(const emqxi_transfer *t, long status, const char **why)
{
    if (t->too_long || line_too_long(t)) {
        *why = t->too_long ? "the answer is too long" : "the answer's head is too long";
        return EMQX_TLS_E_PROTOCOL;
    }
    if (t->no_memory || t->result == CURLE_OUT_OF_MEMORY)
        return EMQX_TLS_E_NO_MEMORY;
    if (t->again) {
        *why = t->reused ? "the reused connection was closed before an answer came"
                         : "the server took no request (HTTP/2 REFUSED_STREAM): try again later";
        return EMQX_TLS_E_TRANSPORT;
    }
    if (t->late || t->result == CURLE_OPERATION_TIMEDOUT) {
        if (status) /* the rest is told by delivery */
            *why = "the answer did not end in time";
        return EMQX_TLS_E_TIMEOUT;
    }
    if (status && t->head_whole && !end_told(t, status)) {
        *why = "the connection was closed behind the answer's head, and nothing tells whether a "
               "body was to come";
        return EMQX_TLS_E_PROTOCOL;
    }
    return EMQX_TLS_OK;
}

void emqxi_transfer_reply(emqxi_transfer *t, emqx_tls_reply *reply)
{
    long status = 0;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    bool answered = t->departed && status >= 200 && status <= 599;
    *reply = (emqx_tls_reply){.size = sizeof *reply};
    reply->delivery = answered      ? EMQX_TLS_DELIVERY_ANSWERED
                      : t->departed ? EMQX_TLS_DELIVERY_MAYBE
                                    : EMQX_TLS_DELIVERY_NOT_SENT;
    if (answered) {
        reply->http_status = (int32_t)status;
        reply->date = *t->date ? t->date : NULL;
        reply->retry_after = *t->retry_after ? t->retry_after : NULL;
    }
    reply->code = own_fault(t, answered ? status : 0, &reply->detail);
    if (reply->code != EMQX_TLS_OK)
        return;
    if (t->result == CURLE_OK && answered && t->head_whole) {
        reply->body = t->reply;
        reply->body_len = t->reply_len;
        return;
    }
    reply->code = EMQX_TLS_E_TRANSPORT;
    if (t->result == CURLE_OK)
        t->result = answered ? CURLE_PARTIAL_FILE : CURLE_WEIRD_SERVER_REPLY;
    explain(t, reply);
}
