/* Targets by name, and compiled parts as text: see <tenon/compile.h>. */
#include <tenon/compile.h>

#include "backend/backend.h"
#include "image/image.h"

const char *tenon_target_name(uint32_t index) {
    for (int i = 0; tenon_backends[i] != NULL; i++)
        for (int k = 0; tenon_backends[i]->targets[k] != NULL; k++)
            if (index-- == 0)
                return tenon_backends[i]->targets[k];
    return NULL;
}

static enum tenon_status list_part(const struct tenon_image_part *part, enum tenon_listing listing,
                                   struct tenon_strbuf *out, struct tenon_error *error) {
    const struct tenon_backend *backend = tenon_backend_find(part->target);
    if (backend == NULL)
        return tenon_fail(error, TENON_ERROR_NOT_FOUND, "no target '%.60s' in this build",
                          part->target);
    if (listing == TENON_LISTING_ASSEMBLY)
        return backend->disassemble(part->code, part->data, out, error);
    if (listing != TENON_LISTING_TRACE)
        return tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "no listing %d", (int)listing);
    if (backend->trace == NULL)
        return tenon_fail(error, TENON_ERROR_UNSUPPORTED, "'%.60s' has no form for replay",
                          part->target);
    return backend->trace(part->code, part->data, out, error);
}

enum tenon_status tenon_program_list_part(const struct tenon_program *program, uint32_t part,
                                          enum tenon_listing listing, char **out,
                                          struct tenon_error *error) {
    struct tenon_arena arena;
    struct tenon_image image;
    struct tenon_strbuf text;
    struct tenon_span bytes;
    *out = NULL;
    bytes.data = tenon_program_data(program, &bytes.size);
    tenon_arena_init(&arena, 0);
    tenon_strbuf_init(&text);
    enum tenon_status status = tenon_image_read(bytes, &arena, &image, error);
    if (status == TENON_OK && part >= image.part_count)
        status = tenon_fail(error, TENON_ERROR_INVALID_ARGUMENT, "no part %u of %u", part,
                            image.part_count);
    if (status == TENON_OK)
        status = list_part(&image.parts[part], listing, &text, error);
    tenon_arena_finish(&arena);
    if (status == TENON_OK)
        *out = tenon_strbuf_take(&text, NULL);
    if (status == TENON_OK && *out == NULL)
        status = tenon_fail_memory(error);
    tenon_strbuf_finish(&text);
    return status;
}
