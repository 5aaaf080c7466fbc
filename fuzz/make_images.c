/*
 * Compiles networks for every instruction set that this processor has: seeds for fuzz_image.
 *
 *     make_images FOLDER FILE.tir…
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tenon/tenon.h>

#include "image/cpu_isa.h"

static bool make(const char *folder, const char *path, const char *isa) {
    struct tenon_error error = {.message = "out of memory"};
    struct tenon_model *model = NULL;
    struct tenon_program *program = NULL;
    const char *slash = strrchr(path, '/');
    char to[4096];
    snprintf(to, sizeof(to), "%s/%s.%s.tnn", folder, slash != NULL ? slash + 1 : path, isa);
    setenv("TENON_CPU", isa, 1);
    bool ok = tenon_model_open(path, NULL, &model, &error) == TENON_OK &&
              tenon_compile(model, NULL, &program, &error) == TENON_OK &&
              tenon_program_save(program, to, &error) == TENON_OK;
    tenon_program_unref(program);
    tenon_model_destroy(model);
    if (!ok)
        fprintf(stderr, "make_images: %s for %s: %s\n", path, isa, error.message);
    return ok;
}

int main(int argc, char **argv) {
    bool ok = argc >= 3;
    if (!ok)
        fprintf(stderr, "usage: make_images FOLDER FILE.tir...\n");
    for (int i = 2; i < argc; i++)
        for (enum tenon_cpu_isa isa = 0; isa < TENON_CPU_ISA_COUNT; isa++)
            if ((tenon_cpu_isas_present() >> isa & 1) != 0)
                ok &= make(argv[1], argv[i], tenon_cpu_isa_get(isa)->name);
    return ok ? 0 : 1;
}
