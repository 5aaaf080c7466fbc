/* The integer lstm with its multipliers given, as vectors state them that know no scales. */
#ifndef TENON_OP_LSTM_H
#define TENON_OP_LSTM_H

#include "op/kernel.h"

#define TENON_LSTM_GATES 4 /* input, forget, cell, output */

struct tenon_lstm_integer {
    struct tenon_multiplier input[TENON_LSTM_GATES];  /* sums to steps of 2^-12 */
    struct tenon_multiplier hidden[TENON_LSTM_GATES]; /* the same of the hidden state */
    struct tenon_multiplier forget_cell, input_cell;  /* products of 2^-15 to the cell's scale */
    struct tenon_multiplier output;                   /* to the hidden state's */
    int32_t cell_power;                               /* the cell's scale is 2^cell_power */
    int32_t cell_clip;                                /* 0: none */
};

void tenon_lstm_integer(const struct tenon_op_call *call,
                        const struct tenon_lstm_integer *parameters);

#endif
