/* Any bytes as a saved program: load; what loads and is small is run on the devices it names. */
#include "run_small.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tenon_program *program;
    if (tenon_program_open_memory(data, size, &program, NULL) == TENON_OK) {
        run_small_program(program);
        tenon_program_unref(program);
    }
    return 0;
}
