/* Any bytes as a TFLite model: import; what imports and is small is compiled and run. */
#include "run_small.h"

enum { SMALL_MACS = 1 << 20, SMALL_BYTES = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct tenon_diagnostics *list = NULL;
    if (tenon_diagnostics_create(&list, NULL) != TENON_OK)
        return 0;
    struct tenon_model_options options = {.size = sizeof(options), .list = list};
    struct tenon_model *model;
    struct tenon_error error = {.message = ""};
    if (tenon_model_open_memory(data, size, "fuzz", &options, &model, &error) == TENON_OK) {
        struct tenon_model_info info;
        struct tenon_program *program;
        tenon_model_get_info(model, &info);
        if (info.macs < SMALL_MACS && info.activation_bytes + info.constant_bytes < SMALL_BYTES &&
            tenon_compile(model, NULL, &program, NULL) == TENON_OK) {
            run_small_program(program);
            tenon_program_unref(program);
        }
        tenon_model_destroy(model);
    }
    tenon_diagnostics_destroy(list);
    return 0;
}
