/* Any bytes as IR text: what parses must print, and parse again to the same print. */
#include <stdlib.h>
#include <string.h>

#include "run_small.h"

static char *print(const char *text, size_t size) {
    struct tenon_model *model;
    char *out = NULL;
    if (tenon_model_open_memory(text, size, "fuzz", NULL, &model, NULL) != TENON_OK)
        return NULL;
    if (tenon_model_print(model, &out, NULL) != TENON_OK)
        out = NULL;
    tenon_model_destroy(model);
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 8 || memcmp(data, "tenon 1\n", 8) != 0)
        return 0;
    char *once = print((const char *)data, size);
    if (once == NULL)
        return 0;
    char *twice = print(once, strlen(once));
    if (twice == NULL || strcmp(once, twice) != 0)
        abort(); /* what was printed is not what was read */
    tenon_text_free(once);
    tenon_text_free(twice);
    return 0;
}
