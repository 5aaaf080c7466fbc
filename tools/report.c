/* Messages, exit statuses, figures with units, JSON of tensors. */
#include "report.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"

static char shown(char c) {
    return (unsigned char)c < ' ' || c == 0x7f ? '?' : c;
}

const char *tool_name_text(const char *name, char text[NAME_BYTES]) {
    size_t n = 0;
    for (; name[n] != '\0' && n < NAME_BYTES - 1; n++)
        text[n] = shown(name[n]);
    text[n] = '\0';
    return text;
}

/* Messages quote names of files and models: no control character reaches the terminal. */
__attribute__((format(printf, 2, 0))) static void print_message(const char *before,
                                                                const char *format, va_list args) {
    char message[2048];
    vsnprintf(message, sizeof(message), format, args);
    for (char *c = message; *c != '\0'; c++)
        *c = shown(*c);
    fprintf(stderr, "%s%s\n", before, message);
}

int tool_complain(int exit_status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_message("tenon: ", format, args);
    va_end(args);
    return exit_status;
}

void tool_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    print_message("tenon: warning: ", format, args);
    va_end(args);
}

int tool_complain_memory(void) {
    return tool_complain(EXIT_ENVIRONMENT, "out of memory");
}

int tool_exit_status(enum tenon_status status) {
    switch (status) {
    case TENON_OK:
        return EXIT_OK;
    case TENON_ERROR_FALLBACK:
        return EXIT_DIFFERENT;
    case TENON_ERROR_INVALID_ARGUMENT:
    case TENON_ERROR_BAD_MODEL:
    case TENON_ERROR_BAD_IMAGE:
    case TENON_ERROR_UNSUPPORTED:
    case TENON_ERROR_INCOMPATIBLE:
        return EXIT_BAD_INPUT;
    case TENON_ERROR_OUT_OF_MEMORY:
    case TENON_ERROR_IO:
    case TENON_ERROR_NOT_FOUND:
    case TENON_ERROR_BUSY:
    case TENON_ERROR_TIMEOUT:
    case TENON_ERROR_CANCELLED:
    case TENON_ERROR_DEVICE_LOST:
    case TENON_ERROR_LIMIT:
    case TENON_STATUS_COUNT:
        break;
    }
    return EXIT_ENVIRONMENT;
}

int tool_complain_error(const char *subject, const struct tenon_error *error) {
    const char *message =
        error->message[0] != '\0' ? error->message : tenon_status_name(error->status);
    /* Most messages name their file already. */
    if (strncmp(message, subject, strlen(subject)) == 0)
        tool_complain(0, "%s", message);
    else
        tool_complain(0, "%s: %s", subject, message);
    if (error->status == TENON_ERROR_INCOMPATIBLE)
        fputs("tenon: compile the model again on this machine: tenon compile\n", stderr);
    return tool_exit_status(error->status);
}

static const char *severity_name(enum tenon_severity severity) {
    switch (severity) {
    case TENON_SEVERITY_NOTE:
        return "note";
    case TENON_SEVERITY_WARNING:
        return "warning";
    case TENON_SEVERITY_ERROR:
        break;
    }
    return "error";
}

/* Some messages begin with the file's name, which a line here begins with already. */
static const char *after_subject(const char *subject, const char *message) {
    size_t length = strlen(subject);
    if (strncmp(message, subject, length) != 0 || strncmp(message + length, ": ", 2) != 0)
        return message;
    return message + length + 2;
}

static void report_diagnostic(const char *subject, const struct tenon_diagnostic *diagnostic) {
    char name[NAME_BYTES];
    fprintf(stderr, "%s: %s %s: ", subject, severity_name(diagnostic->severity), diagnostic->id);
    if (diagnostic->operator_index != TENON_NO_INDEX)
        fprintf(stderr, "operator %" PRIu32 "%s%s%s: ", diagnostic->operator_index,
                diagnostic->operator_name[0] != '\0' ? " (" : "",
                tool_name_text(diagnostic->operator_name, name),
                diagnostic->operator_name[0] != '\0' ? ")" : "");
    if (diagnostic->tensor_index != TENON_NO_INDEX)
        fprintf(stderr, "tensor %" PRIu32 "%s%s%s: ", diagnostic->tensor_index,
                diagnostic->tensor_name[0] != '\0' ? " '" : "",
                tool_name_text(diagnostic->tensor_name, name),
                diagnostic->tensor_name[0] != '\0' ? "'" : "");
    for (const char *c = after_subject(subject, diagnostic->message); *c != '\0'; c++)
        fputc(shown(*c), stderr);
    if (diagnostic->offset != TENON_NO_OFFSET)
        fprintf(stderr, " (at byte %" PRIu64 ")", diagnostic->offset);
    fputc('\n', stderr);
}

void tool_report_diagnostics(const char *subject, const struct tenon_diagnostics *list) {
    for (uint32_t i = 0; i < tenon_diagnostics_count(list); i++)
        report_diagnostic(subject, tenon_diagnostics_get(list, i));
    if (tenon_diagnostics_dropped(list) > 0)
        fprintf(stderr, "%s: %" PRIu32 " more are not shown\n", subject,
                tenon_diagnostics_dropped(list));
}

int tool_finish_stdout(int exit_status) {
    if (fflush(stdout) != 0 || ferror(stdout))
        return tool_complain(EXIT_ENVIRONMENT, "cannot write the answer: %s", strerror(errno));
    return exit_status;
}

const char *tool_figure_time(double ns, char text[FIGURE_BYTES]) {
    static const char *const units[] = {"ns", "us", "ms", "s"};
    size_t unit = 0;
    while (ns >= 1000 && unit < 3) {
        ns /= 1000;
        unit++;
    }
    snprintf(text, FIGURE_BYTES,
             ns < 10    ? "%.2f %s"
             : ns < 100 ? "%.1f %s"
                        : "%.0f %s",
             ns, units[unit]);
    return text;
}

static const char *figure(uint64_t value, double base, const char *const *units, char *text) {
    double x = (double)value;
    size_t unit = 0;
    while (x >= base && unit < 4) {
        x /= base;
        unit++;
    }
    snprintf(text, FIGURE_BYTES, unit == 0 ? "%.0f%s" : "%.1f%s", x, units[unit]);
    return text;
}

const char *tool_figure_bytes(uint64_t bytes, char text[FIGURE_BYTES]) {
    static const char *const units[] = {" B", " KiB", " MiB", " GiB", " TiB"};
    return figure(bytes, 1024, units, text);
}

const char *tool_figure_count(uint64_t count, char text[FIGURE_BYTES]) {
    static const char *const units[] = {"", " k", " M", " G", " T"};
    return figure(count, 1000, units, text);
}

const char *tool_shape_text(const struct tenon_tensor_info *info, char text[SHAPE_BYTES]) {
    int n = snprintf(text, SHAPE_BYTES, "%s[", tenon_type_name(info->type));
    for (uint32_t i = 0; i < info->rank; i++)
        n += snprintf(text + n, SHAPE_BYTES - (size_t)n, i == 0 ? "%" PRId32 : ",%" PRId32,
                      info->dims[i]);
    snprintf(text + n, SHAPE_BYTES - (size_t)n, "]");
    return text;
}

const char *tool_quantization_text(const struct tenon_tensor_info *info, char text[SHAPE_BYTES]) {
    text[0] = '\0';
    if (info->scale_count == 1)
        snprintf(text, SHAPE_BYTES, "scale %.9g, zero point %" PRId32, (double)info->scales[0],
                 info->zero_points[0]);
    else if (info->scale_count > 1)
        snprintf(text, SHAPE_BYTES, "%" PRIu32 " scales on axis %" PRId32, info->scale_count,
                 info->axis);
    return text;
}

json_t *tool_json_text(const char *text) {
    json_t *json = json_string(text);
    if (json != NULL)
        return json;
    char *copy = strdup(text);
    if (copy == NULL)
        return NULL;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    json = json_string(copy);
    free(copy);
    return json;
}

json_t *tool_json_number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

void tool_json_append(json_t **list, json_t *value) {
    if (json_array_append_new(*list, value) == 0)
        return;
    json_decref(*list);
    *list = NULL;
}

void tool_json_set(json_t **object, const char *key, json_t *value) {
    if (json_object_set_new(*object, key, value) == 0)
        return;
    json_decref(*object);
    *object = NULL;
}

static json_t *json_quantization(const struct tenon_tensor_info *info) {
    json_t *scales = json_array(), *zeros = json_array();
    for (uint32_t i = 0; i < info->scale_count; i++) {
        tool_json_append(&scales, json_real((double)info->scales[i]));
        tool_json_append(&zeros, json_integer(info->zero_points[i]));
    }
    return json_pack("{s:o, s:o, s:i}", "scales", scales, "zero_points", zeros, "axis",
                     info->scale_count > 1 ? info->axis : -1);
}

json_t *tool_json_tensor(const struct tenon_tensor_info *info) {
    json_t *dims = json_array();
    for (uint32_t i = 0; i < info->rank; i++)
        tool_json_append(&dims, json_integer(info->dims[i]));
    json_t *json = json_pack("{s:o, s:s, s:o, s:I}", "name", tool_json_text(info->name), "type",
                             tenon_type_name(info->type), "shape", dims, "bytes",
                             (json_int_t)info->size_bytes);
    if (json != NULL && info->scale_count > 0)
        tool_json_set(&json, "quantization", json_quantization(info));
    return json;
}

int tool_json_print(json_t *root) {
    if (root == NULL)
        return tool_complain_memory();
    int failed = json_dumpf(root, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));
    putchar('\n');
    json_decref(root);
    return failed ? tool_complain(EXIT_ENVIRONMENT, "cannot write the answer") : EXIT_OK;
}

static uint64_t read_clock(clockid_t id) {
    struct timespec time;
    clock_gettime(id, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t tool_clock_ns(void) {
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t tool_cpu_clock_ns(void) {
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}
