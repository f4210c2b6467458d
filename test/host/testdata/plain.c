/* A plugin with the least that Fluent Bit asks for, and none of the functions that
 * take a context. PLAIN_FAULT in the environment makes it go wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct definition {
    int type;
    int proxy;
    int flags;
    char *name;
    char *description;
    int event_type;
};

static int fault(const char *name)
{
    const char *wanted = getenv("PLAIN_FAULT");

    return wanted && strcmp(wanted, name) == 0;
}

int FLBPluginRegister(struct definition *d)
{
    d->type = 2;
    d->proxy = 11;
    d->name = "plain";
    d->description = "a plugin";
    if (fault("event type"))
        d->event_type = 1;
    return fault("register") ? -1 : 0;
}

int FLBPluginInit(void *plugin)
{
    (void) plugin;
    fprintf(stderr, "echo: init\n");
    return 1;
}

int FLBPluginFlush(const void *data, size_t size, const char *tag)
{
    (void) data;
    (void) size;
    fprintf(stderr, "echo: flush %s\n", tag);
    return 1;
}

int FLBPluginExit(void)
{
    fprintf(stderr, "echo: exit\n");
    return 0;
}
