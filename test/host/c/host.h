/* The parts of the host; host.c says what it is for. A configuration's memory is
 * never freed: the process is short. */
#ifndef HOST_H
#define HOST_H

#include <pthread.h>
#include <stddef.h>

#include "abi.h"

/* Memory that faults when it is used in a way that Fluent Bit does not promise. */
struct span {
    char *pages;
    size_t mapped;
    char *data;
    size_t size;
};

/* One piece of work for a lane: a flush, or the start or stop of an engine. */
struct job {
    struct job *next;
    void (*run)(struct job *);
    struct engine *engine;
    struct output *output;
    char *seq;
    struct span tag;
    struct span chunk;
};

/* A thread that does its jobs in turn, until one without a function. */
struct lane {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t more;
    struct job *first;
    struct job **last;
};

struct setting {
    struct setting *next;
    char *key;
    char *value;
};

struct output {
    struct output *next;
    char *name;
    struct setting *settings;
    struct proxy_context context;
    int started;
    int workers;
    int turn;
    struct lane *lanes;
};

/* One configuration at work. */
struct engine {
    struct proxy_def def;
    struct output *outputs;
    struct lane lane;
    const char *failed;
    int reloading;
};

/* host.c */
void answer(const char *format, ...); /* one line to the driver, from any thread */
void die(const char *what);           /* exits with status 2 */
void *new(size_t size);               /* zeroed */

/* lane.c */
void lane_start(struct lane *);
void lane_post(struct lane *, struct job *); /* the lane frees the job */
void lane_stop(struct lane *);               /* ends it behind the jobs that it has */
void drain(void);                            /* waits until every lane has done its jobs */
struct job *job_new(void (*run)(struct job *), struct engine *);

/* flush.c */
void flush_post(struct engine *, const char *seq, const char *output, size_t tag_size,
                size_t chunk_size); /* reads the tag and the chunk from standard input */

/* engine.c */
extern struct plugin plugin;
void library_open(const char *path);
struct engine *engine_load(struct output *, int reloading); /* the old one still runs */
void engine_start(struct engine *);               /* exits the process if an Init fails */
void engine_stop(struct engine *, int reloading); /* waits for every flush first */

#endif
