/* tenon devices: what programs can run on here. */
#include "command.h"
#include "report.h"

#include <inttypes.h>
#include <string.h>

#include <tenon/compile.h>
#include <tenon/device.h>

struct devices_options {
    bool json, targets;
};

static const struct option options[] = {
    {0, "targets", OPTION_FLAG, NULL, offsetof(struct devices_options, targets), 0, 0,
     "list what this build compiles for instead"},
    {0, "json", OPTION_FLAG, NULL, offsetof(struct devices_options, json), 0, 0, "print JSON"},
};

static void print_text(struct tenon_instance *instance) {
    struct tenon_device_info info;
    for (uint32_t i = 0; i < tenon_instance_device_count(instance); i++) {
        tenon_device_get_info(tenon_instance_device(instance, i), &info);
        bool other = strcmp(info.name, info.target) != 0;
        printf("%-10s %s; driver %s, %" PRIu32 " thread%s%s%s%s%s\n", info.name, info.description,
               info.driver, info.thread_count, info.thread_count == 1 ? "" : "s",
               info.features[0] != '\0' ? ", " : "", info.features, other ? ", target " : "",
               other ? info.target : "");
    }
}

static int print_json(struct tenon_instance *instance) {
    json_t *list = json_array();
    struct tenon_device_info info;
    for (uint32_t i = 0; i < tenon_instance_device_count(instance); i++) {
        tenon_device_get_info(tenon_instance_device(instance, i), &info);
        tool_json_append(&list, json_pack("{s:s, s:s, s:s, s:b, s:o, s:s, s:I}", "name", info.name,
                                          "driver", info.driver, "target", info.target, "simulated",
                                          (int)info.simulated, "description",
                                          tool_json_text(info.description), "features",
                                          info.features, "threads", (json_int_t)info.thread_count));
    }
    return tool_json_print(list);
}

static int print_targets(bool json) {
    json_t *list = json ? json_array() : NULL;
    const char *name;
    for (uint32_t i = 0; (name = tenon_target_name(i)) != NULL; i++) {
        if (json)
            tool_json_append(&list, json_string(name));
        else
            puts(name);
    }
    return json ? tool_json_print(list) : EXIT_OK;
}

static int run(const struct command *command, int argc, char **argv) {
    struct devices_options devices = {0};
    int result;
    if (!tool_command_parse(command, argc, argv, &devices, NULL, 0, &result))
        return result;
    if (devices.targets)
        return print_targets(devices.json);
    struct tenon_instance *instance;
    struct tenon_error error = {0};
    if (tenon_instance_create(NULL, &instance, &error) != TENON_OK)
        return tool_complain_error("devices", &error);
    if (devices.json)
        result = print_json(instance);
    else
        print_text(instance);
    tenon_instance_destroy(instance);
    return devices.json ? result : EXIT_OK;
}

const struct command command_devices = {
    .name = "devices",
    .summary = "list the devices of this machine",
    .operands = "",
    .text = "Lists what programs can run on here, by the name that -d takes. `reference` is the\n"
            "plain kernels that define each operator: slow, and always right.",
    .examples = "  tenon devices\n"
                "  tenon devices --json\n",
    .options = options,
    .option_count = sizeof(options) / sizeof(options[0]),
    .run = run,
};
