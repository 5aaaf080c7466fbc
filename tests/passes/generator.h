/*
 * Random small graphs for the tests of passes. Every choice comes from one seed, so a graph is made
 * again from it. Numbers are biased to where passes break: zero points at the ends of the type,
 * scales near powers of two, sizes of 1, odd sizes, padding larger than the picture.
 *
 * Functions that add a node return its result, or TENON_ID_NONE when the operator refuses what was
 * drawn; they take TENON_ID_NONE for an input and do nothing then.
 */
#ifndef TESTS_PASSES_GENERATOR_H
#define TESTS_PASSES_GENERATOR_H

#include "ir/capabilities.h"
#include "ir/graph.h"

/* How far a lossy form goes from the exact one: in steps, floats in units of 2^-23 of the largest.
 */
struct deviation {
    uint64_t elements, different, sum;
    int largest;
};

struct generator {
    uint64_t state;
    struct tenon_arena arena;
    struct tenon_graph graph;
    struct tenon_capabilities capabilities; /* what the pass is run with */
    struct deviation *deviation;            /* NULL: results must be the same */
    bool rough_floats;                      /* with all 24 bits, where sums round */
    bool out_of_memory;
    uint32_t inputs[16], input_count;
};

/* What the random test of a pass is. */
struct pass_case {
    const char *pass;
    /* Builds the pass's pattern, or nearly, and sets the capabilities. */
    void (*generate)(struct generator *g);
    unsigned floor_percent; /* of graphs in which the pass must find something to rewrite */
    /* What the pass says that it establishes: NULL, or what of it the graph breaks. May be NULL. */
    const char *(*broken)(const struct generator *g, const struct tenon_graph *after);
    /* Of a lossy form, called PASS.lossy: elements may differ by this much on average. 0: exact. */
    double mean_most;
};
extern const struct pass_case *const pass_cases[]; /* ends with NULL */

/* ---- numbers ---- */

uint32_t gen_below(struct generator *g, uint32_t count);           /* 0 to count - 1 */
int32_t gen_range(struct generator *g, int32_t low, int32_t high); /* both included */
bool gen_chance(struct generator *g, unsigned percent);
int32_t gen_size(struct generator *g, int32_t most); /* 1 to most, often 1, odd or small */
float gen_scale(struct generator *g);                /* about 2^-7, often near a power of two */
int32_t gen_zero_point(struct generator *g, enum tenon_type type);
/* i8, u8 or, seldom, i16 */
enum tenon_type gen_type(struct generator *g);
enum tenon_rounding gen_rounding(struct generator *g);
/* Bytes of a tensor: random, sometimes the extremes; floats are small integers and halves. */
void gen_fill(struct generator *g, const struct tenon_desc *desc, void *data);

/* ---- tensors ---- */

/* A description with one scale and zero point drawn; f32 and i32 are not quantized. */
struct tenon_desc gen_desc(struct generator *g, enum tenon_type type, int32_t n, int32_t h,
                           int32_t w, int32_t c);
uint32_t gen_input(struct generator *g, const struct tenon_desc *desc);
uint32_t gen_constant(struct generator *g, const struct tenon_desc *desc); /* filled */
/* The tensor's bytes, to be changed. */
void *gen_data(struct generator *g, uint32_t constant);
const struct tenon_desc *gen_desc_of(const struct generator *g, uint32_t tensor);
uint32_t gen_input_picture(struct generator *g, enum tenon_type type); /* NHWC, small */

/* ---- nodes ---- */

/* A node with one result of this description, whose shape is inferred. */
uint32_t gen_node(struct generator *g, enum tenon_op op, const struct tenon_attrs *attrs,
                  const uint32_t *inputs, uint32_t count, const struct tenon_desc *out);

struct gen_window {
    int32_t kernel_max, stride_max, dilation_max; /* 0: 4, 3, 3 */
    bool no_pad;
    bool per_tensor;       /* weights */
    bool packed_weights;   /* i4 now and then */
    bool unsigned_weights; /* u8 also for inputs of i8 */
    bool no_fused;         /* no activation */
    int32_t groups;        /* of a convolution; 0: seldom two */
};
/* `out_c` 0: drawn. For depthwise the multiplier is drawn. */
uint32_t gen_conv(struct generator *g, uint32_t input, int32_t out_c,
                  const struct gen_window *window);
uint32_t gen_depthwise(struct generator *g, uint32_t input, const struct gen_window *window);
/* Input, weights and bias of a convolution, and the description of a result. False: refused. */
bool gen_linear_operands(struct generator *g, uint32_t input, const struct gen_window *window,
                         uint32_t operands[3], struct tenon_desc *out);
uint32_t gen_pool(struct generator *g, enum tenon_op op, uint32_t input);
uint32_t gen_pool_within(struct generator *g, enum tenon_op op, uint32_t input,
                         const struct gen_window *window);
/* Any stride and padding, and a result as large as fits or not. */
uint32_t gen_transpose_conv(struct generator *g, uint32_t input);
uint32_t gen_fully_connected(struct generator *g, uint32_t input, int32_t out_c);
uint32_t gen_unary(struct generator *g, enum tenon_op op, uint32_t input);
uint32_t gen_binary(struct generator *g, enum tenon_op op, uint32_t a, uint32_t b);
/* The second operand is a constant: of the whole shape, per channel or one element. */
uint32_t gen_binary_constant(struct generator *g, enum tenon_op op, uint32_t a);
/* Moves bytes: pad, reshape, slice, max_pool, concatenation with itself … */
uint32_t gen_move(struct generator *g, uint32_t input);
/* Anything of the above that suits the type. */
uint32_t gen_any(struct generator *g, uint32_t input);

/* Adds readers to a tensor now and then: another node, or the graph's outputs. */
void gen_disturb(struct generator *g, uint32_t tensor);

/* ---- for run_passes.c ---- */

void gen_begin(struct generator *g, uint64_t seed);
/* What nobody reads becomes an output, some other tensors too. False: out of memory. */
bool gen_end(struct generator *g);
void gen_finish(struct generator *g);

#endif
