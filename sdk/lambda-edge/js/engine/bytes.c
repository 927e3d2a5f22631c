// Texts and bytes: what Buffer, TextEncoder and crypto are made of.
#include <stdlib.h>
#include <string.h>

#include "runtime.h"

// The engine writes half a surrogate pair as three bytes that are no UTF-8; U+FFFD has three bytes too.
static void make_well_formed(uint8_t *text, size_t length)
{
    for (size_t at = 0; at + 2 < length; at++)
        if (text[at] == 0xed && text[at + 1] >= 0xa0)
            memcpy(text + at, "\xef\xbf\xbd", 3);
}

bool copy_text(JSContext *js, JSValueConst value, text_t *copy)
{
    size_t length;
    const char *text = JS_ToCStringLen(js, &length, value);
    if (!text)
        return false;
    copy->len = length;
    copy->ptr = need(length + 1); // never empty, and with a zero at its end
    memcpy(copy->ptr, text, length);
    copy->ptr[length] = 0;
    JS_FreeCString(js, text);
    make_well_formed(copy->ptr, length);
    return true;
}

JSValue text_value(JSContext *js, const text_t *text)
{
    return JS_NewStringLen(js, (const char *)text->ptr, text->len);
}

bool view_bytes(JSContext *js, JSValueConst value, bytes_t *view)
{
    view->ptr = JS_IsArrayBuffer(value) ? JS_GetArrayBuffer(js, &view->len, value)
                                        : JS_GetUint8Array(js, &view->len, value);
    return view->ptr || !JS_HasException(js);
}

// What such a value has is its own: an ArrayBuffer that JavaScript wraps as it likes.
JSValue bytes_value(JSContext *js, const uint8_t *data, size_t length)
{
    return JS_NewArrayBufferCopy(js, data, length);
}

static JSValue encode_utf8(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t text;
    if (!copy_text(js, arguments[0], &text))
        return JS_EXCEPTION;
    JSValue encoded = bytes_value(js, text.ptr, text.len);
    free(text.ptr);
    return encoded;
}

// How long the UTF-8 sequence at `at` is; of a broken one, how much of it one U+FFFD stands for, and `*good` is false.
static size_t sequence(const uint8_t *at, size_t left, bool *good)
{
    uint8_t first = at[0], low = 0x80, high = 0xbf;
    size_t more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9;
    *good = more != 9;
    if (more == 9)
        return 1;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    for (size_t i = 1; i <= more; i++) {
        *good = i < left && at[i] >= low && at[i] <= high;
        if (!*good)
            return i;
        low = 0x80, high = 0xbf;
    }
    return more + 1;
}

// decode(bytes, fatal): undefined when `fatal` and broken.
static JSValue decode_utf8(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t view;
    if (!view_bytes(js, arguments[0], &view))
        return JS_EXCEPTION;
    bool fatal = JS_ToBool(js, arguments[1]), good = true;
    size_t length = 0;
    for (size_t at = 0; at < view.len;) {
        size_t long_ = sequence(view.ptr + at, view.len - at, &good);
        if (!good && fatal)
            return JS_UNDEFINED;
        length += good ? long_ : 3;
        at += long_;
    }
    if (length == 0)
        return JS_NewString(js, "");
    uint8_t *text = need(length), *to = text;
    for (size_t at = 0; at < view.len;) {
        size_t long_ = sequence(view.ptr + at, view.len - at, &good);
        memcpy(to, good ? view.ptr + at : (const uint8_t *)"\xef\xbf\xbd", good ? long_ : 3);
        to += good ? long_ : 3;
        at += long_;
    }
    JSValue decoded = JS_NewStringLen(js, (const char *)text, length);
    free(text);
    return decoded;
}

// Bytes to as many UTF-16 units, each and with `mask` (Latin-1, ASCII).
static JSValue decode_latin1(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t view;
    uint32_t mask;
    if (!view_bytes(js, arguments[0], &view) || JS_ToUint32(js, &mask, arguments[1]))
        return JS_EXCEPTION;
    uint16_t *units = need(2 * view.len + 2);
    for (size_t i = 0; i < view.len; i++)
        units[i] = view.ptr[i] & mask;
    JSValue decoded = JS_NewStringUTF16(js, units, view.len);
    free(units);
    return decoded;
}

static JSValue encode_base64(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    bytes_t view;
    if (!view_bytes(js, arguments[0], &view))
        return JS_EXCEPTION;
    bool url = JS_ToBool(js, arguments[1]);
    char *text = need(view.len / 3 * 4 + 5);
    size_t length = 0;
    for (size_t at = 0; at < view.len; at += 3) {
        size_t left = view.len - at;
        uint32_t bits = view.ptr[at] << 16 | (left > 1 ? view.ptr[at + 1] << 8 : 0) | (left > 2 ? view.ptr[at + 2] : 0);
        for (size_t i = 0; i < 4; i++) {
            uint32_t digit = bits >> (18 - 6 * i) & 63;
            if (i <= left)
                text[length++] = digit < 62 ? DIGITS[digit] : digit == 62 ? (url ? '-' : '+') : (url ? '_' : '/');
            else if (!url)
                text[length++] = '=';
        }
    }
    JSValue encoded = JS_NewStringLen(js, text, length);
    free(text);
    return encoded;
}

static int base64_digit(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

// Both alphabets, ends at `=`, and passes over anything else, as Node does.
static JSValue decode_base64(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    text_t text;
    if (!copy_text(js, arguments[0], &text))
        return JS_EXCEPTION;
    size_t length = 0;
    uint32_t bits = 0, have = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != '='; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            continue;
        bits = bits << 6 | (uint32_t)digit;
        have += 6;
        if (have >= 8) {
            have -= 8;
            text.ptr[length++] = (uint8_t)(bits >> have);
        }
    }
    JSValue decoded = bytes_value(js, text.ptr, length);
    free(text.ptr);
    return decoded;
}

static JSValue encode_hex(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t view;
    if (!view_bytes(js, arguments[0], &view))
        return JS_EXCEPTION;
    char *text = need(2 * view.len + 1);
    for (size_t i = 0; i < view.len; i++) {
        text[2 * i] = "0123456789abcdef"[view.ptr[i] >> 4];
        text[2 * i + 1] = "0123456789abcdef"[view.ptr[i] & 15];
    }
    JSValue encoded = JS_NewStringLen(js, text, 2 * view.len);
    free(text);
    return encoded;
}

// hash(algorithm, bytes): undefined for an algorithm that is not known.
static JSValue hash(JSContext *js, JSValueConst self, int count, JSValueConst *arguments)
{
    bytes_t view;
    uint8_t out[64];
    if (!view_bytes(js, arguments[1], &view))
        return JS_EXCEPTION;
    const char *algorithm = JS_ToCString(js, arguments[0]);
    if (!algorithm)
        return JS_EXCEPTION;
    size_t length = digest(algorithm, view.ptr, view.len, out);
    JS_FreeCString(js, algorithm);
    return length ? bytes_value(js, out, length) : JS_UNDEFINED;
}

static const JSCFunctionListEntry FUNCTIONS[] = {
    JS_CFUNC_DEF("encode", 1, encode_utf8),
    JS_CFUNC_DEF("decode", 2, decode_utf8),
    JS_CFUNC_DEF("decodeLatin1", 2, decode_latin1),
    JS_CFUNC_DEF("encodeBase64", 2, encode_base64),
    JS_CFUNC_DEF("decodeBase64", 1, decode_base64),
    JS_CFUNC_DEF("encodeHex", 1, encode_hex),
    JS_CFUNC_DEF("hash", 2, hash),
};

void add_bytes(JSContext *js, JSValueConst object)
{
    JS_SetPropertyFunctionList(js, object, FUNCTIONS, sizeof FUNCTIONS / sizeof *FUNCTIONS);
}
