/* Everything of libtenon-runtime: devices, programs, sessions, buffers, queues, fences. */
#ifndef TENON_RUNTIME_H
#define TENON_RUNTIME_H

#include <tenon/base.h>
#include <tenon/buffer.h>
#include <tenon/device.h>
#include <tenon/fence.h>
#include <tenon/program.h>
#include <tenon/queue.h>
#include <tenon/session.h>
#include <tenon/status.h>
#include <tenon/tensor.h>

#endif
