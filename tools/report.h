/*
 * What the command says: errors with the exit status that belongs to them, diagnostics in the form
 * of compilers, figures with units, JSON, and progress on a terminal.
 */
#ifndef TOOLS_REPORT_H
#define TOOLS_REPORT_H

#include <stdio.h>

#include <jansson.h>
#include <tenon/diagnostics.h>
#include <tenon/tensor.h>

/* Prints "tenon: message" and returns `exit_status`. */
__attribute__((format(printf, 2, 3))) int tool_complain(int exit_status, const char *format, ...);
/* Prints "tenon: warning: message". */
__attribute__((format(printf, 1, 2))) void tool_warn(const char *format, ...);
int tool_complain_memory(void);
/* Prints the error of a call about `subject` and returns the exit status of its kind. */
int tool_complain_error(const char *subject, const struct tenon_error *error);
int tool_exit_status(enum tenon_status status);
/* "model.tflite: error TFL019: operator 3 (conv_2d): stride is 0 (at byte 1234)", one a line. */
void tool_report_diagnostics(const char *subject, const struct tenon_diagnostics *list);
/* Flushes stdout; what could not be written is an error of the environment. */
int tool_finish_stdout(int exit_status);

/*
 * A name of a model or program as it may be shown: without control characters, which could steer
 * the terminal, and not longer than NAME_BYTES.
 */
enum { NAME_BYTES = 256 };
const char *tool_name_text(const char *name, char text[NAME_BYTES]);

/* "1.23 ms", "4.1 MiB", "300.8 M": into `text`, which is returned. */
enum { FIGURE_BYTES = 24 };
const char *tool_figure_time(double ns, char text[FIGURE_BYTES]);
const char *tool_figure_bytes(uint64_t bytes, char text[FIGURE_BYTES]);
const char *tool_figure_count(uint64_t count, char text[FIGURE_BYTES]);

/* "i8[1,224,224,3]" */
enum { SHAPE_BYTES = 128 };
const char *tool_shape_text(const struct tenon_tensor_info *info, char text[SHAPE_BYTES]);
/* " scale 0.0078 zero point 128", " 32 scales on axis 3", or "" */
const char *tool_quantization_text(const struct tenon_tensor_info *info, char text[SHAPE_BYTES]);

/* A number; JSON has none for infinity and what is not a number: those become null. */
json_t *tool_json_number(double value);
/*
 * Adding to an array or object, which takes the value. When memory ran out, the whole becomes NULL
 * and stays so: a result that lacks a part is never printed.
 */
void tool_json_append(json_t **list, json_t *value);
void tool_json_set(json_t **object, const char *key, json_t *value);
/* Name, type, shape and quantization as JSON; NULL when memory ran out. */
json_t *tool_json_tensor(const struct tenon_tensor_info *info);
/* A string that may hold bytes that are not UTF-8, which become '?'. */
json_t *tool_json_text(const char *text);
/* Prints to stdout and releases; NULL is memory that ran out. Returns the exit status. */
int tool_json_print(json_t *root);

/* Whether text for people may use UTF-8, and colour, on stdout. */
bool tool_terminal_utf8(void);
bool tool_terminal_colour(void);

/*
 * Progress: when something takes more than two seconds and stderr is a terminal, a line there says
 * what and for how long. begin may fail silently: progress is a courtesy.
 */
struct tool_progress;
struct tool_progress *tool_progress_begin(const char *what);
void tool_progress_end(struct tool_progress *progress); /* NULL is fine */

uint64_t tool_clock_ns(void);
uint64_t tool_cpu_clock_ns(void); /* of all threads of the process */

#endif
