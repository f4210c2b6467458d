/* An engine's life: load, start, stop. */
#include <dlfcn.h>
#include <stdlib.h>
#include <strings.h>

#include "host.h"

struct plugin plugin;

/* The value of a setting: keys know no case, the first of two wins, and an empty
 * value is none. */
static const char *get_property(const char *key, struct output *output)
{
    struct setting *s;

    for (s = output->settings; s; s = s->next)
        if (strcasecmp(s->key, key) == 0)
            return *s->value ? s->value : NULL;
    return NULL;
}

void library_open(const char *path)
{
    void *library = dlopen(path, RTLD_LAZY);

    if (!library)
        die(dlerror());
    plugin.pre_register = dlsym(library, "FLBPluginPreRegister");
    plugin.do_register = dlsym(library, "FLBPluginRegister");
    plugin.init = dlsym(library, "FLBPluginInit");
    plugin.pre_run = dlsym(library, "FLBPluginOutputPreRun");
    plugin.flush = dlsym(library, "FLBPluginFlush");
    plugin.flush_ctx = dlsym(library, "FLBPluginFlushCtx");
    plugin.pre_exit = dlsym(library, "FLBPluginOutputPreExit");
    plugin.exit = dlsym(library, "FLBPluginExit");
    plugin.exit_ctx = dlsym(library, "FLBPluginExitCtx");
    plugin.unregister = dlsym(library, "FLBPluginUnregister");
}

/* Called for a new configuration while the old one, if any, still runs. */
struct engine *engine_load(struct output *outputs, int reloading)
{
    struct engine *e = new(sizeof(*e));

    e->outputs = outputs;
    if ((plugin.pre_register && plugin.pre_register(reloading) == -1) || !plugin.do_register ||
        plugin.do_register(&e->def) == -1 || !plugin.init || e->def.type != PROXY_OUTPUT ||
        e->def.proxy != PROXY_GO) {
        answer("failed register\n");
        exit(1);
    }
    if (e->def.config_map)
        die("FLBPluginRegister wrote past the fields that Fluent Bit 4.2 has");
    return e;
}

static void run_start(struct job *job)
{
    static struct api api = {.output_get_property = get_property};
    struct engine *e = job->engine;
    struct go_plugin p = {.name = e->def.name, .api = &api};
    struct output **link, *o;
    int i;

    for (link = &e->outputs; (o = *link); link = &o->next) {
        p.output = o;
        p.context = &o->context;
        if (plugin.init(&p) <= 0) {
            e->failed = o->name;
            *link = o->next;
            return;
        }
        o->lanes = new((o->workers + 1) * sizeof(*o->lanes));
        for (i = 0; i < o->workers; i++)
            lane_start(&o->lanes[i]);
        o->started = 1;
    }
    for (o = e->outputs; o && plugin.pre_run; o = o->next)
        plugin.pre_run(1);
}

static void run_stop(struct job *job)
{
    struct output *o;
    int i;

    for (o = job->engine->outputs; o; o = o->next) {
        for (i = 0; o->started && i < o->workers; i++)
            lane_stop(&o->lanes[i]);
        if (plugin.pre_exit)
            plugin.pre_exit(job->engine->reloading);
        if (plugin.exit_ctx)
            plugin.exit_ctx(o->context.remote_context);
        else if (plugin.exit)
            plugin.exit();
    }
}

/* Waits for every flush first. */
void engine_stop(struct engine *e, int reloading)
{
    drain();
    e->reloading = reloading;
    lane_post(&e->lane, job_new(run_stop, e));
    lane_stop(&e->lane);
    if (plugin.unregister)
        plugin.unregister(&e->def);
}

/* Exits the process where an Init fails. */
void engine_start(struct engine *e)
{
    lane_start(&e->lane);
    lane_post(&e->lane, job_new(run_start, e));
    drain();
    if (e->failed) {
        answer("failed %s\n", e->failed);
        engine_stop(e, 0);
        exit(1);
    }
}
