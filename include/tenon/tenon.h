/* Everything of Tenon: the runtime half, models and their compilation, the five-call form. */
#ifndef TENON_TENON_H
#define TENON_TENON_H

#include <tenon/compile.h>
#include <tenon/diagnostics.h>
#include <tenon/model.h>
#include <tenon/report.h>
#include <tenon/runtime.h>
#include <tenon/simple.h>

#endif
