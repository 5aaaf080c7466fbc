/* From a whole number to 8 bits by BN's multiplication and CVT: see line.c. */
#ifndef TENON_BACKENDS_NVDLA_LINE_H
#define TENON_BACKENDS_NVDLA_LINE_H

#include <stdbool.h>
#include <stdint.h>

enum { NVDLA_LINE_STEPS = 256 };

/* Results from low to high; those of at least low + 1 + i are for numbers above under[i], from
 * at[i] at the latest. */
struct nvdla_line {
    int32_t low, high;
    int64_t under[NVDLA_LINE_STEPS], at[NVDLA_LINE_STEPS];
    int64_t first, last;           /* the range of numbers */
    int32_t clamp_low, clamp_high; /* results are clamped to this later on, or by 8 bits */
    bool relu;                     /* between the multiplications */
};

/* z = round(s * mul >> mul_shift), ReLU; result = sat8(round((z - offset) * scale >> scale_shift)).
 */
struct nvdla_factors {
    int16_t mul, scale;
    uint32_t mul_shift, scale_shift;
    int32_t offset;
    bool relu;
};

/* `pitch`: about how many numbers a result takes. False: no factors were found that give every
 * result its numbers; with true it is proved. */
bool tenon_nvdla_line_solve(const struct nvdla_line *line, double pitch, struct nvdla_factors *out);
int32_t tenon_nvdla_factors_apply(const struct nvdla_factors *factors, int64_t s);

#endif
