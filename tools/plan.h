/*
 * The partition report for people and programs: which device runs which node, why not a better one,
 * what that takes. As text, as JSON, as a picture.
 */
#ifndef TOOLS_PLAN_H
#define TOOLS_PLAN_H

#include <stdio.h>

#include <jansson.h>
#include <tenon/report.h>

#include "options.h"
#include "output.h"

struct plan {
    const char *title; /* the model's file */
    const struct tenon_report *report;
    const uint64_t *spent_ns; /* per node, measured by running; NULL when it was not run */
};

#define PLAN_OPTION_REPORT(type)                                          \
    {                                                                     \
        0, "report", OPTION_TEXTS, "FILE", offsetof(type, reports), 0, 0, \
            "write where each operator runs and why: a picture\n"         \
            "(NAME.svg), JSON (NAME.json), else text (-: stdout)"         \
    }

/* Writes each file in the form that its name asks for. Prints what is wrong; the exit status. */
int plan_write(const struct plan *plan, const struct option_texts *files, struct outputs *outputs);

/* Why a node is where it is: the reason of the best target that did not take it, or what moving it
 * there would cost; "" where there is no other. Into `text`, which is returned. */
enum { PLAN_REASON_BYTES = 320 };
const char *plan_reason(const struct plan *plan, uint32_t node, char text[PLAN_REASON_BYTES]);

void plan_print_text(const struct plan *plan, FILE *to);
json_t *plan_json(const struct plan *plan);
void plan_print_svg(const struct plan *plan, FILE *to);

#endif
