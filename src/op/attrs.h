/*
 * Attributes of operators. One flat structure holds every attribute that any operator has; a row
 * of the operator table names the ones that apply to it. The table of fields below it is what the
 * text printer, the parser, the image writer and the image reader walk, so an attribute is added
 * in one place (attrs.def).
 */
#ifndef TENON_OP_ATTRS_H
#define TENON_OP_ATTRS_H

#include <tenon/tensor.h>

#include "util/attr.h"

enum tenon_activation {
    TENON_ACTIVATION_NONE = 0,
    TENON_ACTIVATION_RELU,
    TENON_ACTIVATION_RELU_N1_TO_1,
    TENON_ACTIVATION_RELU6,
    TENON_ACTIVATION_TANH, /* lstm and svdf only */
    TENON_ACTIVATION_COUNT
};

#define TENON_LIST_MAX (2 * TENON_MAX_RANK)

struct tenon_list {
    int32_t count;
    int32_t values[TENON_LIST_MAX];
};

enum tenon_attr_kind {
    TENON_ATTR_I32,
    TENON_ATTR_F32,
    TENON_ATTR_BOOL,       /* stored as int32_t 0 or 1 */
    TENON_ATTR_ACTIVATION, /* stored as int32_t */
    TENON_ATTR_LIST,       /* struct tenon_list */
};

/* X(member, C type, kind, what it is) : see attrs.def */
struct tenon_attrs {
#define TENON_ATTR(member, ctype, kind) ctype member;
#include "op/attrs.def"
#undef TENON_ATTR
};

enum tenon_attr {
#define TENON_ATTR(member, ctype, kind) TENON_ATTR_INDEX_##member,
#include "op/attrs.def"
#undef TENON_ATTR
    TENON_ATTR_COUNT
};

struct tenon_attr_info {
    const char *name;
    enum tenon_attr_kind kind;
    uint32_t offset; /* in struct tenon_attrs */
};

extern const struct tenon_attr_info tenon_attr_table[TENON_ATTR_COUNT];

#define TENON_ATTR_BIT(member) (UINT64_C(1) << TENON_ATTR_INDEX_##member)
_Static_assert(TENON_ATTR_COUNT <= 64, "the mask of attributes is 64 bits");

const char *tenon_activation_text(enum tenon_activation activation);

#endif
