/* All parts of a program as text, one after the other. */
#ifndef TOOLS_LISTING_H
#define TOOLS_LISTING_H

#include <tenon/compile.h>

/*
 * Each part under a head, which is a comment. Of a trace, parts whose target has no such form have
 * only the head; at least one must have it. *text is to be freed. Prints what is wrong and returns
 * the exit status.
 */
int listing_make(const char *path, const struct tenon_program *program, enum tenon_listing listing,
                 char **text, size_t *size);

#endif
