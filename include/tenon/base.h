/*
 * What every public header of Tenon builds on: fixed-width types, linkage and visibility.
 * Every public header can be included alone, from C11 and from C++.
 */
#ifndef TENON_BASE_H
#define TENON_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define TENON_API __attribute__((visibility("default")))
#else
#define TENON_API
#endif

#ifdef __cplusplus
#define TENON_BEGIN_DECLS extern "C" {
#define TENON_END_DECLS }
#else
#define TENON_BEGIN_DECLS
#define TENON_END_DECLS
#endif

#define TENON_VERSION_MAJOR 0
#define TENON_VERSION_MINOR 1
#define TENON_VERSION_PATCH 0

TENON_BEGIN_DECLS

/* Version of the library in use, for example "0.1.0". Static storage. */
TENON_API const char *tenon_version(void);

TENON_END_DECLS

#endif
