/* Compiler extensions that Tenon uses, in one place. */
#ifndef TENON_UTIL_ATTR_H
#define TENON_UTIL_ATTR_H

#define TENON_PRINTF(format_index, args_index) \
    __attribute__((format(printf, format_index, args_index)))
#define TENON_NODISCARD __attribute__((warn_unused_result))
#define TENON_UNUSED __attribute__((unused))

/* For inner loops that are written once and specialised by constant arguments. */
#define TENON_ALWAYS_INLINE static inline __attribute__((always_inline))
#define TENON_NOINLINE __attribute__((noinline))
#if defined(__clang__)
#define TENON_UNROLL _Pragma("clang loop unroll(full)")
#else
#define TENON_UNROLL _Pragma("GCC unroll 32")
#endif

/* A type of `bytes` bytes of elements that are computed with at once. */
#define TENON_VECTOR(bytes) __attribute__((vector_size(bytes)))

#define TENON_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
