/*
 * JPEG by libjpeg-turbo. Its errors arrive by a function that must not return, so decoding runs
 * under setjmp; what the jump needs lives in a structure outside of the jumping frame.
 */
#include <setjmp.h>
#include <stdio.h>

#include <jpeglib.h>

#include "picture.h"

struct jpeg_job {
    struct jpeg_decompress_struct codec;
    struct jpeg_error_mgr errors;
    jmp_buf failed;
    char *message;
    struct picture *out;
    unsigned warnings;
};

/* A hostile progressive file can hold a scan for every few bytes, each as dear as the picture. */
enum { SCANS_MAX = 256 };

static void on_error(j_common_ptr codec) {
    struct jpeg_job *job = codec->client_data;
    char text[JMSG_LENGTH_MAX];
    codec->err->format_message(codec, text);
    snprintf(job->message, PICTURE_MESSAGE_BYTES, "JPEG: %s", text);
    longjmp(job->failed, 1);
}

/* Corrupt data that libjpeg can go on from is a warning to it, and counted. */
static void on_message(j_common_ptr codec, int level) {
    struct jpeg_job *job = codec->client_data;
    if (level < 0 && job->warnings++ == 0) {
        char text[JMSG_LENGTH_MAX];
        codec->err->format_message(codec, text);
        snprintf(job->message, PICTURE_MESSAGE_BYTES, "JPEG: %s", text);
    }
}

static void on_progress(j_common_ptr codec) {
    j_decompress_ptr decompress = (j_decompress_ptr)codec;
    struct jpeg_job *job = codec->client_data;
    if (decompress->input_scan_number > SCANS_MAX) {
        snprintf(job->message, PICTURE_MESSAGE_BYTES, "JPEG: more than %d scans", SCANS_MAX);
        longjmp(job->failed, 1);
    }
}

static bool decode(struct jpeg_job *job, const uint8_t *data, size_t size) {
    struct jpeg_progress_mgr progress = {.progress_monitor = on_progress};
    struct jpeg_decompress_struct *codec = &job->codec;
    if (setjmp(job->failed) != 0)
        return false;
    jpeg_create_decompress(codec);
    codec->progress = &progress;
    jpeg_mem_src(codec, data, (unsigned long)size);
    jpeg_read_header(codec, TRUE);
    codec->out_color_space = codec->num_components == 1 ? JCS_GRAYSCALE : JCS_RGB;
    jpeg_calc_output_dimensions(codec);
    uint32_t channels = codec->num_components == 1 ? 1 : 3;
    if (!picture_init(job->out, codec->output_width, codec->output_height, channels, job->message))
        return false;
    jpeg_start_decompress(codec);
    while (codec->output_scanline < codec->output_height) {
        JSAMPROW row =
            job->out->samples + (size_t)codec->output_scanline * job->out->width * channels;
        jpeg_read_scanlines(codec, &row, 1);
    }
    jpeg_finish_decompress(codec);
    return job->warnings == 0;
}

bool picture_decode_jpeg(const uint8_t *data, size_t size, struct picture *out,
                         char message[PICTURE_MESSAGE_BYTES]) {
    struct jpeg_job job = {.message = message, .out = out};
    job.codec.err = jpeg_std_error(&job.errors);
    job.errors.error_exit = on_error;
    job.errors.emit_message = on_message;
    job.codec.client_data = &job;
    bool ok = decode(&job, data, size);
    jpeg_destroy_decompress(&job.codec);
    if (!ok)
        picture_finish(out);
    return ok;
}
