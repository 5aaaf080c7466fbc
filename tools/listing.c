/* A program as text; see listing.h. */
#include "listing.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"
#include "report.h"

static void print_head(FILE *to, uint32_t index, const struct tenon_program_part *part,
                       const char *note) {
    fprintf(to,
            "%s# part %" PRIu32 " of %s (%s): %" PRIu32
            " node%s, %zu bytes of code, %zu of constants, %zu of scratch%s\n",
            index > 0 ? "\n" : "", index, part->target, part->compatibility, part->node_count,
            part->node_count == 1 ? "" : "s", part->code_bytes, part->constant_bytes,
            part->scratch_bytes, note);
}

static int print_parts(const char *path, const struct tenon_program *program,
                       enum tenon_listing listing, FILE *to) {
    uint32_t listed = 0;
    struct tenon_program_part part;
    for (uint32_t i = 0; tenon_program_part(program, i, &part) == TENON_OK; i++) {
        struct tenon_error error = {0};
        char *text;
        enum tenon_status status = tenon_program_list_part(program, i, listing, &text, &error);
        if (status != TENON_OK && status != TENON_ERROR_UNSUPPORTED)
            return tool_complain_error(path, &error);
        print_head(to, i, &part, status == TENON_OK ? "" : "; no form for replay");
        if (status == TENON_OK)
            fputs(text, to);
        listed += status == TENON_OK;
        tenon_text_free(text);
    }
    if (listed == 0)
        return tool_complain(EXIT_BAD_INPUT, "%s: no part runs on a target that has %s", path,
                             listing == TENON_LISTING_TRACE ? "a form for replay" : "a listing");
    return EXIT_OK;
}

int listing_make(const char *path, const struct tenon_program *program, enum tenon_listing listing,
                 char **text, size_t *size) {
    FILE *to = open_memstream(text, size);
    if (to == NULL)
        return tool_complain_memory();
    int result = print_parts(path, program, listing, to);
    bool failed = ferror(to) != 0;
    failed |= fclose(to) != 0;
    if (failed && result == EXIT_OK)
        result = tool_complain_memory();
    if (result != EXIT_OK) {
        free(*text);
        *text = NULL;
    }
    return result;
}
