/* Reads the order and carries out its faults. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "order.h"

struct order order;
volatile sig_atomic_t cancelled;

const char *const source_names[SOURCES] = { "Flatbed", "ADF", "ADF Duplex" };
static const char *const field_names[FIELDS]
    = { "format", "last", "pixels", "lines", "stride", "depth", "length", "unknown" };
static char text[8192];

void
beside_order (char *path, size_t size, const char *suffix)
{
    const char *directory = getenv ("SANE_CONFIG_DIR");
    size_t length = directory ? strcspn (directory, ":") : 0;
    snprintf (path, size, "%.*s/chaos.conf%s", (int) length, directory ? directory : "", suffix);
}

void
note (const char *what)
{
    char path[4096], line[64];
    int file;
    beside_order (path, sizeof path, ".calls");
    file = open (path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    snprintf (line, sizeof line, "%d %s\n", (int) getpid (), what);
    if (file < 0 || write (file, line, strlen (line)) < 0)
        perror (path);
    close (file);
}

static int
index_of (const char *word, const char *const *words, int count)
{
    for (int i = 0; i < count; i++)
        if (strcmp (word, words[i]) == 0)
            return i;
    fprintf (stderr, "chaos: what is %s?\n", word);
    abort ();
}

static void
read_sensor (char *rest)
{
    struct sensor *sensor = &order.sensors[order.sensor_count++];
    char *word = strtok (rest, " ");
    snprintf (sensor->name, MAX_TEXT, "%s", word);
    word = strtok (NULL, " ");
    sensor->type = strcmp (word, "bool") == 0 ? SANE_TYPE_BOOL : *word == 'i' ? SANE_TYPE_INT : SANE_TYPE_STRING;
    while (sensor->count < MAX_VALUES && (word = strtok (NULL, " ")))
        snprintf (sensor->values[sensor->count++], MAX_TEXT, "%s", word);
}

static void
count_devices (int count)
{
    order.devices = count < MAX_DEVICES ? count : MAX_DEVICES;
    for (int i = 0; i < order.devices; i++)
        snprintf (order.names[i], MAX_TEXT, "%d", i);
}

static void
read_line (char *line)
{
    size_t length = strcspn (line, " ");
    char *rest = line[length] ? line + length + 1 : line + length;
    struct fault *fault = &order.faults[order.fault_count];
    char word[MAX_TEXT];
    int number;

    line[length] = '\0';
    if (strcmp (line, "source") == 0)
        order.has_source[index_of (rest, source_names, SOURCES)] = 1;
    else if (strcmp (line, "resolution") == 0 && order.resolutions[0] < MAX_LIST)
        order.resolutions[++order.resolutions[0]] = atoi (rest);
    else if (strcmp (line, "bed") == 0)
        sscanf (rest, "%lf %lf", &order.width, &order.height);
    else if (strcmp (line, "rename") == 0 && (number = atoi (rest)) < SOURCES && number >= 0)
        snprintf (order.called[number], MAX_TEXT, "%s", rest + 2);
    else if (strcmp (line, "grid") == 0)
        order.grid = atof (rest);
    else if (strcmp (line, "units") == 0)
        order.pixels = 1;
    else if (strcmp (line, "window") == 0)
        order.fixed = 1;
    else if (strcmp (line, "shift") == 0)
        sscanf (rest, "%lf %lf", &order.shift_x, &order.shift_y);
    else if (strcmp (line, "paper") == 0)
        order.paper = atoi (rest);
    else if (strcmp (line, "gamma") == 0)
        order.gamma = atoi (rest);
    else if (strcmp (line, "backs") == 0 && strcmp (rest, "turned") == 0)
        order.turned = 1;
    else if (strcmp (line, "backs") == 0)
        order.last = 1;
    else if (strcmp (line, "empty") == 0)
        order.empty = atoi (rest);
    else if (strcmp (line, "fragile") == 0)
        order.fragile = 1;
    else if (strcmp (line, "devices") == 0)
        count_devices (atoi (rest));
    else if (strcmp (line, "device") == 0 && order.devices < MAX_DEVICES)
        snprintf (order.names[order.devices++], MAX_TEXT, "%s", rest);
    else if (strcmp (line, "sheets") == 0)
        order.sheets = atoi (rest);
    else if (strcmp (line, "padding") == 0)
        order.padding = atoi (rest);
    else if (strcmp (line, "sensor") == 0 && order.sensor_count < MAX_LIST)
        read_sensor (rest);
    else if (strcmp (line, "lie") == 0 && sscanf (rest, "%63s %d", word, &number) == 2)
        order.lies[index_of (word, field_names, FIELDS)] = number;
    else if (strcmp (line, "fault") == 0 && order.fault_count < MAX_LIST
             && sscanf (rest, "%63s %d %d %63s %d", fault->moment, &fault->page, &fault->line, fault->action,
                        &fault->number) == 5)
        order.fault_count++;
    else {
        fprintf (stderr, "chaos: what is %s %s?\n", line, rest);
        abort ();
    }
}

void
read_order (void)
{
    char path[4096], fresh[sizeof text], *line, *rest = NULL;
    unsigned generation = order.generation;
    size_t length = 0;
    FILE *file;

    beside_order (path, sizeof path, "");
    file = fopen (path, "r");
    if (file) {
        length = fread (fresh, 1, sizeof fresh - 1, file);
        fclose (file);
    }
    fresh[length] = '\0';
    if (generation && strcmp (fresh, text) == 0)
        return;
    memcpy (text, fresh, length + 1);
    memset (&order, 0, sizeof order);
    order.generation = generation + 1;
    order.paper = 255;
    order.gamma = 100;
    order.empty = SANE_STATUS_NO_DOCS;
    for (int i = 0; i < SOURCES; i++)
        snprintf (order.called[i], MAX_TEXT, "%s", source_names[i]);
    for (line = strtok_r (fresh, "\n", &rest); line; line = strtok_r (NULL, "\n", &rest))
        if (*line != '#')
            read_line (line);
}

static void
wait_ms (int ms)
{
    struct timespec rest = { ms / 1000, ms % 1000 * 1000000L };
    while (nanosleep (&rest, &rest) != 0)
        ;
}

static SANE_Status
take_all_memory (void)
{
    enum { PIECE = 8 << 20 };
    char *piece, *last = NULL;
    while ((piece = malloc (PIECE))) {
        memset (piece, 1, PIECE);
        __asm__ volatile ("" : : "r" (piece) : "memory");
        last = piece;
    }
    free (last);
    return SANE_STATUS_NO_MEM;
}

static SANE_Status
act (const struct fault *fault)
{
    const char *action = fault->action;

    if (strcmp (action, "status") == 0)
        return (SANE_Status) fault->number;
    if (strcmp (action, "crash") == 0)
        raise (SIGSEGV);
    if (strcmp (action, "abort") == 0)
        abort ();
    if (strcmp (action, "signal") == 0)
        kill (getpid (), fault->number);
    if (strcmp (action, "leave") == 0)
        _exit (fault->number);
    if (strcmp (action, "greed") == 0)
        return take_all_memory ();
    if (strcmp (action, "nothing") == 0 || strcmp (action, "torn") == 0) {
        note (action);
        return (SANE_Status) (*action == 'n' ? NOTHING : TORN);
    }
    if (strcmp (action, "freeze") == 0) {
        note (action);
        kill (getpid (), SIGSTOP);
    }
    if (strcmp (action, "deaf") == 0)
        signal (SIGTERM, SIG_IGN);
    if (strcmp (action, "stall") == 0 || strcmp (action, "deaf") == 0 || strcmp (action, "hang") == 0)
        note (action);
    if (strcmp (action, "stall") == 0) {
        while (!cancelled)
            wait_ms (1);
        return SANE_STATUS_CANCELLED;
    }
    if (strcmp (action, "deaf") == 0 || strcmp (action, "hang") == 0)
        for (;;)
            pause ();
    if (strcmp (action, "slow") == 0)
        wait_ms (fault->number);
    if (strcmp (action, "memory") == 0) {
        size_t size = (size_t) fault->number << 20;
        char *taken = malloc (size);
        if (!taken)
            return SANE_STATUS_NO_MEM;
        memset (taken, 1, size);
        __asm__ volatile ("" : : "r" (taken) : "memory"); /* or the compiler leaves both calls out */
    }
    if (strcmp (action, "say") == 0 && write (fault->number, "\377{\"frame\": rubbish}\n", 20) < 0)
        return SANE_STATUS_IO_ERROR;
    if (strcmp (action, "stammer") == 0 && write (fault->number, "{\"frame\":\"Prog", 14) < 0)
        return SANE_STATUS_IO_ERROR;
    return SANE_STATUS_GOOD;
}

/* Whether this is the first time in this order: write_order takes the file away. */
static int
first_time (void)
{
    char path[4096];
    int file;
    beside_order (path, sizeof path, ".once");
    file = open (path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file < 0)
        return 0;
    close (file);
    return 1;
}

static int
is_slow (const struct fault *fault)
{
    return strcmp (fault->action, "slow") == 0;
}

static void
hold (void)
{
    unsigned generation = order.generation;
    note ("hold");
    while (order.generation == generation && !cancelled) {
        wait_ms (1);
        read_order ();
    }
}

SANE_Status
misbehave (const char *moment, int page, int line)
{
    SANE_Status status = SANE_STATUS_GOOD;
    for (int i = 0; i < order.fault_count && status == SANE_STATUS_GOOD; i++) {
        const struct fault *fault = &order.faults[i];
        int now = is_slow (fault) ? fault->line <= line : fault->line == line;
        if (!now || strcmp (fault->moment, moment) != 0 || (fault->page > 0 && fault->page != page))
            continue;
        if (fault->page < 0 && !first_time ())
            continue;
        if (strcmp (fault->action, "hold") == 0) {
            hold ();
            return cancelled ? SANE_STATUS_GOOD : misbehave (moment, page, line);
        }
        status = act (fault);
    }
    return status;
}

int
next_fault (int page, int line, int last)
{
    int next = last;
    for (int i = 0; i < order.fault_count; i++) {
        const struct fault *fault = &order.faults[i];
        if (strcmp (fault->moment, "read") != 0 || (fault->page > 0 && fault->page != page))
            continue;
        if (is_slow (fault) && fault->line <= line)
            return line + 1;
        if (fault->line > line && fault->line < next)
            next = fault->line;
    }
    return next;
}
