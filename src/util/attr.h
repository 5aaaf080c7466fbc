/* Compiler extensions that Tenon uses, in one place. */
#ifndef TENON_UTIL_ATTR_H
#define TENON_UTIL_ATTR_H

#define TENON_PRINTF(format_index, args_index) \
    __attribute__((format(printf, format_index, args_index)))
#define TENON_NODISCARD __attribute__((warn_unused_result))
#define TENON_UNUSED __attribute__((unused))

#define TENON_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
