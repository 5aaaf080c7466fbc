/*
 * What a person at a terminal is told: progress of what takes long, and whether the terminal takes
 * UTF-8 and colour. A thread waits beside the work, because compiling is one call.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

struct tool_progress {
    const char *what;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool ended;
};

enum { QUIET_SECONDS = 2 };

static void *watch(void *user) {
    struct tool_progress *progress = user;
    struct timespec next;
    clock_gettime(CLOCK_REALTIME, &next);
    unsigned seconds = QUIET_SECONDS;
    next.tv_sec += QUIET_SECONDS;
    pthread_mutex_lock(&progress->lock);
    while (!progress->ended) {
        if (pthread_cond_timedwait(&progress->changed, &progress->lock, &next) == 0)
            continue;
        fprintf(stderr, "\r%s: %u s ", progress->what, seconds++);
        next.tv_sec++;
    }
    if (seconds > QUIET_SECONDS)
        fputs("\r\033[K", stderr);
    pthread_mutex_unlock(&progress->lock);
    return NULL;
}

struct tool_progress *tool_progress_begin(const char *what) {
    if (!isatty(STDERR_FILENO))
        return NULL;
    struct tool_progress *progress = calloc(1, sizeof(*progress));
    if (progress == NULL)
        return NULL;
    progress->what = what;
    pthread_mutex_init(&progress->lock, NULL);
    pthread_cond_init(&progress->changed, NULL);
    if (pthread_create(&progress->thread, NULL, watch, progress) == 0)
        return progress;
    pthread_cond_destroy(&progress->changed);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
    return NULL;
}

void tool_progress_end(struct tool_progress *progress) {
    if (progress == NULL)
        return;
    pthread_mutex_lock(&progress->lock);
    progress->ended = true;
    pthread_cond_signal(&progress->changed);
    pthread_mutex_unlock(&progress->lock);
    pthread_join(progress->thread, NULL);
    pthread_cond_destroy(&progress->changed);
    pthread_mutex_destroy(&progress->lock);
    free(progress);
}

bool tool_terminal_utf8(void) {
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < 3; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return strcasestr(value, "utf-8") != NULL || strcasestr(value, "utf8") != NULL;
    }
    return false;
}

bool tool_terminal_colour(void) {
    const char *term = getenv("TERM"), *refused = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) && term != NULL && strcmp(term, "dumb") != 0 &&
           (refused == NULL || refused[0] == '\0');
}
