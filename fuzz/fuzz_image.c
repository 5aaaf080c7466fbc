/* Any bytes as a saved program: load; what loads and is small is run on the devices it names. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "image/cpu_code.h"
#include "run_small.h"

/* Programs name the version of their code, and those of another are refused at once: found cases
 * are of the present one for ever. */
static void renew(uint8_t *bytes, size_t size, const char *name) {
    size_t before = strlen(name), digits = strlen(TENON_CPU_CODE_ID);
    for (size_t i = 0; i + before + digits < size; i++)
        if (memcmp(bytes + i, name, before) == 0 && isdigit(bytes[i + before]) &&
            !isdigit(bytes[i + before + digits]))
            memcpy(bytes + i + before, TENON_CPU_CODE_ID, digits);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tenon_program *program;
    uint8_t *bytes = malloc(size != 0 ? size : 1); /* exactly: reads beyond it are seen */
    if (bytes == NULL)
        return 0;
    memcpy(bytes, data, size);
    renew(bytes, size, "cpu-");
    renew(bytes, size, "reference-");
    if (tenon_program_open_memory(bytes, size, &program, NULL) == TENON_OK) {
        run_small_program(program);
        tenon_program_unref(program);
    }
    free(bytes);
    return 0;
}
