// MD5, SHA-1 and SHA-2, each over bytes that are all there.
#include <string.h>

#include "runtime.h"

// The fractions of the cube roots of the first 80 primes. SHA-256 uses the upper halves.
static const uint64_t CUBE_ROOTS[80] = {
    0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc, 0x3956c25bf348b538,
    0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118, 0xd807aa98a3030242, 0x12835b0145706fbe,
    0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2, 0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235,
    0xc19bf174cf692694, 0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
    0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5, 0x983e5152ee66dfab,
    0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4, 0xc6e00bf33da88fc2, 0xd5a79147930aa725,
    0x06ca6351e003826f, 0x142929670a0e6e70, 0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed,
    0x53380d139d95b3df, 0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
    0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30, 0xd192e819d6ef5218,
    0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8, 0x19a4c116b8d2d0c8, 0x1e376c085141ab53,
    0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8, 0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373,
    0x682e6ff3d6b2b8a3, 0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
    0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b, 0xca273eceea26619c,
    0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178, 0x06f067aa72176fba, 0x0a637dc5a2c898a6,
    0x113f9804bef90dae, 0x1b710b35131c471b, 0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc,
    0x431d67c49c100d4c, 0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817
};
// The fractions of the square roots of the first 16 primes: where SHA-512 and SHA-384 begin, their upper halves
// SHA-256, the lower halves of the second eight SHA-224.
static const uint64_t SQUARE_ROOTS[16] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
    0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
    0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4
};
// 2^32 times the sines of 1 to 64.
static const uint32_t SINES[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391
};

static uint32_t left(uint32_t x, unsigned n) { return x << n | x >> (32 - n); }
static uint32_t right(uint32_t x, unsigned n) { return x >> n | x << (32 - n); }
static uint64_t right64(uint64_t x, unsigned n) { return x >> n | x << (64 - n); }

static uint32_t big32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static uint64_t big64(const uint8_t *p) { return (uint64_t)big32(p) << 32 | big32(p + 4); }
static void put_big(uint8_t *p, uint64_t x, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(x >> 8 * (bytes - 1 - i));
}

static void md5_block(uint32_t *state, const uint8_t *block)
{
    static const uint8_t TURNS[16] = {7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21};
    uint32_t word[16], a = state[0], b = state[1], c = state[2], d = state[3];
    memcpy(word, block, 64); // little-endian, as WebAssembly is
    for (unsigned i = 0; i < 64; i++) {
        uint32_t mixed;
        unsigned at;
        if (i < 16) mixed = (b & c) | (~b & d), at = i;
        else if (i < 32) mixed = (d & b) | (~d & c), at = (5 * i + 1) % 16;
        else if (i < 48) mixed = b ^ c ^ d, at = (3 * i + 5) % 16;
        else mixed = c ^ (b | ~d), at = 7 * i % 16;
        uint32_t next = b + left(a + mixed + SINES[i] + word[at], TURNS[i / 16 * 4 + i % 4]);
        a = d, d = c, c = b, b = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
}

static void sha1_block(uint32_t *state, const uint8_t *block)
{
    uint32_t word[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];
    for (unsigned i = 0; i < 80; i++)
        word[i] = i < 16 ? big32(block + 4 * i) : left(word[i - 3] ^ word[i - 8] ^ word[i - 14] ^ word[i - 16], 1);
    for (unsigned i = 0; i < 80; i++) {
        uint32_t mixed;
        if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
        else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
        else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
        else mixed = (b ^ c ^ d) + 0xca62c1d6;
        uint32_t next = left(a, 5) + mixed + e + word[i];
        e = d, d = c, c = left(b, 30), b = a, a = next;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d, state[4] += e;
}

static void sha256_block(uint32_t *state, const uint8_t *block)
{
    uint32_t word[64], v[8];
    for (unsigned i = 0; i < 16; i++)
        word[i] = big32(block + 4 * i);
    for (unsigned i = 16; i < 64; i++) {
        uint32_t x = word[i - 15], y = word[i - 2];
        word[i] = word[i - 16] + (right(x, 7) ^ right(x, 18) ^ x >> 3)
            + word[i - 7] + (right(y, 17) ^ right(y, 19) ^ y >> 10);
    }
    memcpy(v, state, sizeof v);
    for (unsigned i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t first = v[7] + (right(e, 6) ^ right(e, 11) ^ right(e, 25)) + ((e & v[5]) ^ (~e & v[6]))
            + (uint32_t)(CUBE_ROOTS[i] >> 32) + word[i];
        uint32_t second = (right(a, 2) ^ right(a, 13) ^ right(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += first;
        v[0] = first + second;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += v[i];
}

static void sha512_block(uint64_t *state, const uint8_t *block)
{
    uint64_t word[80], v[8];
    for (unsigned i = 0; i < 16; i++)
        word[i] = big64(block + 8 * i);
    for (unsigned i = 16; i < 80; i++) {
        uint64_t x = word[i - 15], y = word[i - 2];
        word[i] = word[i - 16] + (right64(x, 1) ^ right64(x, 8) ^ x >> 7)
            + word[i - 7] + (right64(y, 19) ^ right64(y, 61) ^ y >> 6);
    }
    memcpy(v, state, sizeof v);
    for (unsigned i = 0; i < 80; i++) {
        uint64_t e = v[4], a = v[0];
        uint64_t first = v[7] + (right64(e, 14) ^ right64(e, 18) ^ right64(e, 41)) + ((e & v[5]) ^ (~e & v[6]))
            + CUBE_ROOTS[i] + word[i];
        uint64_t second = (right64(a, 28) ^ right64(a, 34) ^ right64(a, 39))
            + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += first;
        v[0] = first + second;
    }
    for (unsigned i = 0; i < 8; i++)
        state[i] += v[i];
}

// Which block function, how wide its words and blocks are, where it begins.
struct algorithm {
    const char *name;
    size_t bytes, block;
    void (*narrow)(uint32_t *, const uint8_t *);
    void (*wide)(uint64_t *, const uint8_t *);
    uint64_t (*begin)(unsigned);
};

static uint64_t begin_sha1(unsigned i)
{
    static const uint32_t WORDS[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0, 0, 0, 0};
    return WORDS[i];
}
static uint64_t begin_sha224(unsigned i) { return (uint32_t)SQUARE_ROOTS[i + 8]; }
static uint64_t begin_sha256(unsigned i) { return SQUARE_ROOTS[i] >> 32; }
static uint64_t begin_sha384(unsigned i) { return SQUARE_ROOTS[i + 8]; }
static uint64_t begin_sha512(unsigned i) { return SQUARE_ROOTS[i]; }

static const struct algorithm ALGORITHMS[] = {
    {"md5", 16, 64, md5_block, NULL, begin_sha1},
    {"sha1", 20, 64, sha1_block, NULL, begin_sha1},
    {"sha224", 28, 64, sha256_block, NULL, begin_sha224},
    {"sha256", 32, 64, sha256_block, NULL, begin_sha256},
    {"sha384", 48, 128, NULL, sha512_block, begin_sha384},
    {"sha512", 64, 128, NULL, sha512_block, begin_sha512},
};

static void run(const struct algorithm *a, uint32_t *narrow, uint64_t *wide, const uint8_t *data, size_t length)
{
    for (size_t at = 0; at < length; at += a->block)
        a->narrow ? a->narrow(narrow, data + at) : a->wide(wide, data + at);
}

size_t digest(const char *name, const uint8_t *data, size_t length, uint8_t out[64])
{
    const struct algorithm *a = ALGORITHMS, *end = a + sizeof ALGORITHMS / sizeof *ALGORITHMS;
    while (a < end && strcmp(a->name, name) != 0)
        a++;
    if (a == end)
        return 0;
    uint32_t narrow[8];
    uint64_t wide[8];
    for (unsigned i = 0; i < 8; i++)
        narrow[i] = (uint32_t)(wide[i] = a->begin(i));

    bool little = a->narrow == md5_block;
    size_t rest = length % a->block, ends = rest + 1 + a->block / 8 > a->block ? 2 * a->block : a->block;
    uint8_t tail[256] = {0};
    run(a, narrow, wide, data, length - rest);
    if (rest > 0)
        memcpy(tail, data + length - rest, rest);
    tail[rest] = 0x80;
    uint64_t bits = (uint64_t)length * 8;
    if (little)
        memcpy(tail + ends - 8, &bits, 8);
    else
        put_big(tail + ends - 8, bits, 8);
    run(a, narrow, wide, tail, ends);

    for (unsigned i = 0; i < 8; i++) {
        if (little) memcpy(out + 4 * i, &narrow[i], 4);
        else if (a->narrow) put_big(out + 4 * i, narrow[i], 4);
        else put_big(out + 8 * i, wide[i], 8);
    }
    return a->bytes;
}
