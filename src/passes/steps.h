/*
 * Steps that rewrites are made of: each appends a node and gives its new result, so that a rewrite
 * reads as a straight line; tenon_rewrite_finish makes the last result that of the replaced node.
 * Failures stick, as in pass.h.
 */
#ifndef TENON_PASSES_STEPS_H
#define TENON_PASSES_STEPS_H

#include "passes/pass.h"

/* Begins to rewrite `node`, and takes it out. */
TENON_NODISCARD bool tenon_rewrite_replace(struct tenon_rewriter *rewriter, uint32_t node);
/* `result`, of a node added last, becomes the output of the node that was replaced: their
 * descriptions agree. */
void tenon_rewrite_finish(struct tenon_rewriter *rewriter, uint32_t result);

/* A node and its result, of type and quantization of `desc`; the shape is inferred. */
uint32_t tenon_rewrite_result(struct tenon_rewriter *rewriter, enum tenon_op op,
                              const struct tenon_attrs *attrs, const uint32_t *inputs,
                              uint32_t input_count, const struct tenon_desc *desc);
/* By value: adding tensors moves them. Empty after a failure. */
struct tenon_desc tenon_rewrite_desc_of(const struct tenon_rewriter *rewriter, uint32_t tensor);

/* Data movement; type and quantization stay. */
uint32_t tenon_rewrite_reshape(struct tenon_rewriter *rewriter, uint32_t x,
                               const struct tenon_shape *shape);
uint32_t tenon_rewrite_transpose(struct tenon_rewriter *rewriter, uint32_t x,
                                 const struct tenon_list *perm);
/* space_to_depth or depth_to_space of square blocks. */
uint32_t tenon_rewrite_block(struct tenon_rewriter *rewriter, enum tenon_op op, uint32_t x,
                             int32_t block);
/*
 * A picture (NHWC) whose rows and columns begin at first[0], first[1] of x and are count[0],
 * count[1] many: cut out where they are inside of x, real 0 outside. No node where x is that.
 */
uint32_t tenon_rewrite_frame(struct tenon_rewriter *rewriter, uint32_t x, const int32_t first[2],
                             const int32_t count[2]);

/*
 * Rows and columns into depth, in blocks of block[0] x block[1], and back. Channels are, within
 * each of `groups` equal parts, (row in block, column in block, channel). Sizes divide.
 */
uint32_t tenon_rewrite_to_depth(struct tenon_rewriter *rewriter, uint32_t x, const int32_t block[2],
                                int32_t groups);
uint32_t tenon_rewrite_to_space(struct tenon_rewriter *rewriter, uint32_t x, const int32_t block[2],
                                int32_t groups);

#endif
