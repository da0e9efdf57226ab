#ifndef SLUICE_CCHECKSUM_SHIM_H
#define SLUICE_CCHECKSUM_SHIM_H

// The one piece of C in the product that is more than a macro made callable: CRC-32 by carry-less multiplication. Swift
// has no such instruction, and a function that uses it must be compiled for a processor that has it, which is a
// matter of a single C function and not of a module.
//
// The method is that of V. Gopal and others, "Fast CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction"
// (Intel, 2009), for the reflected polynomial: four lanes are folded over the data, then into one of 16 bytes, and the
// remainder of that is the checksum. A lane has 16 bytes, or 64 where the processor multiplies four pairs at once.

#include <stddef.h>
#include <stdint.h>

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

/// Whether this processor multiplies without carry and has SSE 4.1.
static inline int sluice_crc32_can_fold(void) {
    unsigned int eax, ebx, ecx, edx;
    if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx)) return 0;
    return (ecx & bit_PCLMUL) != 0 && (ecx & bit_SSE4_1) != 0;
}

/// Whether it does so with 64 bytes at once as well, in registers which the kernel saves.
static inline int sluice_crc32_can_fold_wide(void) {
    unsigned int eax, ebx, ecx, edx;
    if (!sluice_crc32_can_fold() || !__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & bit_OSXSAVE) == 0) return 0;
    unsigned int saved, unused;
    __asm__("xgetbv" : "=a"(saved), "=d"(unused) : "c"(0));
    // The state of SSE, of AVX, and the three parts of that of AVX-512 (Intel SDM volume 1, 13.3).
    if ((saved & 0xe6) != 0xe6) return 0;
    if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return 0;
    return (ebx & bit_AVX512F) != 0 && (ecx & bit_VPCLMULQDQ) != 0;
}

/// `lane` moved on by the distance for which `factors` were computed, and joined with what stands there.
__attribute__((target("pclmul,sse4.1"))) static inline __m128i sluice_crc32_fold_lane(
    __m128i lane, __m128i factors, __m128i next
) {
    __m128i low = _mm_clmulepi64_si128(lane, factors, 0x00);
    __m128i high = _mm_clmulepi64_si128(lane, factors, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/// The same for four at once.
__attribute__((target("avx512f,vpclmulqdq"))) static inline __m512i sluice_crc32_fold_wide_lane(
    __m512i lane, __m512i factors, __m512i next
) {
    __m512i low = _mm512_clmulepi64_epi128(lane, factors, 0x00);
    __m512i high = _mm512_clmulepi64_epi128(lane, factors, 0x11);
    return _mm512_xor_si512(_mm512_xor_si512(low, high), next);
}

// x^(n-32) and x^(n+32) mod P, reflected: what moves a lane on by n bits.
#define SLUICE_CRC32_BY_2048 0x00000001322d1430LL, 0x000000011542778aLL
#define SLUICE_CRC32_BY_512 0x00000001c6e41596LL, 0x0000000154442bd4LL
#define SLUICE_CRC32_BY_128 0x00000000ccaa009eLL, 0x00000001751997d0LL

/// The remainder of one lane: 128 bits to 96, to 64, and by Barrett's method to 32.
__attribute__((target("pclmul,sse4.1"))) static inline uint32_t sluice_crc32_remainder(__m128i lane) {
    const __m128i by128 = _mm_set_epi64x(SLUICE_CRC32_BY_128);
    // x^64; the polynomial and its inverse: all mod P, reflected.
    const __m128i by64 = _mm_set_epi64x(0, 0x0000000163cd6124);
    const __m128i barrett = _mm_set_epi64x(0x00000001f7011641, 0x00000001db710641);
    const __m128i low32 = _mm_set_epi32(0, -1, 0, -1);

    lane = _mm_xor_si128(_mm_srli_si128(lane, 8), _mm_clmulepi64_si128(lane, by128, 0x10));
    lane = _mm_xor_si128(_mm_srli_si128(lane, 4), _mm_clmulepi64_si128(_mm_and_si128(lane, low32), by64, 0x00));
    __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(lane, low32), barrett, 0x10);
    __m128i product = _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(lane, product), 1);
}

/// The register after `count` bytes, of which there is a multiple of 16 and not none. Only where `can_fold`.
__attribute__((target("pclmul,sse4.1"))) static inline uint32_t sluice_crc32_fold(
    uint32_t crc, const uint8_t *bytes, size_t count
) {
    const __m128i by512 = _mm_set_epi64x(SLUICE_CRC32_BY_512);
    const __m128i by128 = _mm_set_epi64x(SLUICE_CRC32_BY_128);

    const __m128i *blocks = (const __m128i *)bytes;
    __m128i lane = _mm_xor_si128(_mm_loadu_si128(blocks), _mm_cvtsi32_si128((int)crc));
    if (count >= 64) {
        __m128i lane1 = _mm_loadu_si128(blocks + 1);
        __m128i lane2 = _mm_loadu_si128(blocks + 2);
        __m128i lane3 = _mm_loadu_si128(blocks + 3);
        for (blocks += 4, count -= 64; count >= 64; blocks += 4, count -= 64) {
            lane = sluice_crc32_fold_lane(lane, by512, _mm_loadu_si128(blocks));
            lane1 = sluice_crc32_fold_lane(lane1, by512, _mm_loadu_si128(blocks + 1));
            lane2 = sluice_crc32_fold_lane(lane2, by512, _mm_loadu_si128(blocks + 2));
            lane3 = sluice_crc32_fold_lane(lane3, by512, _mm_loadu_si128(blocks + 3));
        }
        lane = sluice_crc32_fold_lane(lane, by128, lane1);
        lane = sluice_crc32_fold_lane(lane, by128, lane2);
        lane = sluice_crc32_fold_lane(lane, by128, lane3);
    } else {
        blocks += 1;
        count -= 16;
    }
    for (; count >= 16; blocks += 1, count -= 16) {
        lane = sluice_crc32_fold_lane(lane, by128, _mm_loadu_si128(blocks));
    }
    return sluice_crc32_remainder(lane);
}

/// The register after `count` bytes, of which there is a multiple of 256 and not none. Only where `can_fold_wide`.
__attribute__((target("avx512f,vpclmulqdq,pclmul,sse4.1"))) static inline uint32_t sluice_crc32_fold_wide(
    uint32_t crc, const uint8_t *bytes, size_t count
) {
    const __m512i by2048 = _mm512_broadcast_i32x4(_mm_set_epi64x(SLUICE_CRC32_BY_2048));
    const __m512i by512 = _mm512_broadcast_i32x4(_mm_set_epi64x(SLUICE_CRC32_BY_512));
    const __m128i by128 = _mm_set_epi64x(SLUICE_CRC32_BY_128);

    __m512i lane = _mm512_loadu_si512(bytes);
    lane = _mm512_xor_si512(lane, _mm512_zextsi128_si512(_mm_cvtsi32_si128((int)crc)));
    __m512i lane1 = _mm512_loadu_si512(bytes + 64);
    __m512i lane2 = _mm512_loadu_si512(bytes + 128);
    __m512i lane3 = _mm512_loadu_si512(bytes + 192);
    for (bytes += 256, count -= 256; count >= 256; bytes += 256, count -= 256) {
        lane = sluice_crc32_fold_wide_lane(lane, by2048, _mm512_loadu_si512(bytes));
        lane1 = sluice_crc32_fold_wide_lane(lane1, by2048, _mm512_loadu_si512(bytes + 64));
        lane2 = sluice_crc32_fold_wide_lane(lane2, by2048, _mm512_loadu_si512(bytes + 128));
        lane3 = sluice_crc32_fold_wide_lane(lane3, by2048, _mm512_loadu_si512(bytes + 192));
    }
    lane = sluice_crc32_fold_wide_lane(lane, by512, lane1);
    lane = sluice_crc32_fold_wide_lane(lane, by512, lane2);
    lane = sluice_crc32_fold_wide_lane(lane, by512, lane3);

    __m128i last = _mm512_castsi512_si128(lane);
    last = sluice_crc32_fold_lane(last, by128, _mm512_extracti32x4_epi32(lane, 1));
    last = sluice_crc32_fold_lane(last, by128, _mm512_extracti32x4_epi32(lane, 2));
    last = sluice_crc32_fold_lane(last, by128, _mm512_extracti32x4_epi32(lane, 3));
    return sluice_crc32_remainder(last);
}

#undef SLUICE_CRC32_BY_2048
#undef SLUICE_CRC32_BY_512
#undef SLUICE_CRC32_BY_128

#else

static inline int sluice_crc32_can_fold(void) { return 0; }

static inline int sluice_crc32_can_fold_wide(void) { return 0; }

static inline uint32_t sluice_crc32_fold(uint32_t crc, const uint8_t *bytes, size_t count) {
    (void)bytes;
    (void)count;
    return crc;
}

static inline uint32_t sluice_crc32_fold_wide(uint32_t crc, const uint8_t *bytes, size_t count) {
    return sluice_crc32_fold(crc, bytes, count);
}

#endif

#endif
