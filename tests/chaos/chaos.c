/* A SANE backend for tests: a scanner whose every pixel is known, and that misbehaves as it is ordered (order.h).

   The pixel at x, y of the bed on side PAGE of the paper is SAMPLE below: 0 is the glass, the front of the n-th sheet
   is 2n - 1 and its back 2n. One process at a time can have a device, as with USB; each call that matters is written
   down in chaos.conf.calls with the process's number. */

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sane/saneopts.h>

#include "order.h"

#define EXPORT __attribute__ ((visibility ("default")))

enum option {
    NUMBER, STANDARD, SOURCE, MODE, BITS, RESOLUTION, GEOMETRY, LEFT, TOP, RIGHT, BOTTOM, SENSORS, FIRST_SENSOR,
    MAX_OPTIONS = FIRST_SENSOR + MAX_LIST
};

static SANE_Device devices[MAX_DEVICES];
static const SANE_Device *listed[MAX_DEVICES + 1];
static char listed_names[MAX_DEVICES][MAX_TEXT];

static SANE_String_Const sources[SOURCES + 1];
static const SANE_String_Const modes[] = { SANE_VALUE_SCAN_MODE_COLOR, SANE_VALUE_SCAN_MODE_GRAY,
                                           SANE_VALUE_SCAN_MODE_LINEART, NULL };
static const SANE_Word depths[] = { 2, 8, 16 };
static SANE_Range across, along;

/* The one open device. */
static struct {
    int is_open, lock;
    SANE_Option_Descriptor options[MAX_OPTIONS];
    char source[MAX_TEXT], mode[MAX_TEXT];
    SANE_Word words[MAX_OPTIONS];
    int starts;           /* since it was opened */
    unsigned generation;  /* of the order whose sheets lie in the feeder */
    int fed;              /* sheets of them taken in */
    int back_is_next;     /* the sheet under way has a back still to come */
    int scanning, page, torn, upside_down;
    long position;        /* bytes of the page delivered */
    SANE_Parameters real; /* of the page under way */
    int left, top;
    int bed_x, bed_y, shift_x, shift_y; /* in pixels */
} device;

/* -- the picture ------------------------------------------------------------------------------ */

static int
level (int page, int x, int y, int channel)
{
    int slope[] = { x + 37 * page, y + 91 * page, x + y + 53 * page, x + 2 * y + 61 * page };
    int step = (slope[channel] % 512 + 512) % 512;
    return step < 256 ? step : 511 - step;
}

static int
sample (int page, int x, int y, int channel, int depth)
{
    int high = level (page, x, y, channel);
    return depth == 16 ? high << 8 | ((3 * x + 5 * y + page) & 255) : high;
}

static int
darkened (int value)
{
    if (order.gamma != 100)
        value = (int) lround (255 * pow (value / 255.0, order.gamma / 100.0));
    return value * order.paper / 255;
}

static void
draw_line (unsigned char *line, int row)
{
    int width = device.real.pixels_per_line, channels = device.real.format == SANE_FRAME_RGB ? 3 : 1;
    memset (line, 0, (size_t) device.real.bytes_per_line);
    for (int column = 0; column < width; column++) {
        int x = device.left + column, y = row;
        if (device.upside_down) {
            x = device.bed_x - 1 - x;
            y = device.bed_y - 1 - y;
        }
        x -= device.shift_x;
        y -= device.shift_y;
        for (int i = 0; i < channels; i++) {
            int channel = channels == 3 ? i : 3, at = column * channels + i;
            int value = sample (device.page, x, y, channel, device.real.depth);
            if (device.real.depth != 16)
                value = darkened (value);
            if (device.real.depth == 1)
                line[column / 8] |= (unsigned char) ((value < 128) << (7 - column % 8));
            else if (device.real.depth == 8)
                line[at] = (unsigned char) value;
            else
                memcpy (line + 2 * at, &(unsigned short){ (unsigned short) value }, 2);
        }
    }
}

/* -- options ---------------------------------------------------------------------------------- */

static SANE_Option_Descriptor *
describe (int number, const char *name, SANE_Value_Type type, SANE_Unit unit, SANE_Int capabilities)
{
    SANE_Option_Descriptor *option = &device.options[number];
    option->name = name;
    option->title = name;
    option->desc = "";
    option->type = type;
    option->unit = unit;
    option->size = type == SANE_TYPE_GROUP ? 0 : type == SANE_TYPE_STRING ? MAX_TEXT : (SANE_Int) sizeof (SANE_Word);
    option->cap = capabilities;
    option->constraint_type = SANE_CONSTRAINT_NONE;
    return option;
}

static void
describe_words (int number, const char *name, SANE_Unit unit, const SANE_Word *list)
{
    SANE_Option_Descriptor *option
        = describe (number, name, SANE_TYPE_INT, unit, SANE_CAP_SOFT_SELECT | SANE_CAP_SOFT_DETECT);
    option->constraint_type = SANE_CONSTRAINT_WORD_LIST;
    option->constraint.word_list = list;
    device.words[number] = list[1];
}

static void
describe_strings (int number, const char *name, const SANE_String_Const *list, char *value)
{
    SANE_Option_Descriptor *option
        = describe (number, name, SANE_TYPE_STRING, SANE_UNIT_NONE, SANE_CAP_SOFT_SELECT | SANE_CAP_SOFT_DETECT);
    option->constraint_type = SANE_CONSTRAINT_STRING_LIST;
    option->constraint.string_list = list;
    snprintf (value, MAX_TEXT, "%s", list[0]);
}

static void
describe_length (int number, const char *name, const SANE_Range *range, SANE_Word value)
{
    SANE_Int settable = order.fixed && (number == LEFT || number == TOP) ? 0 : SANE_CAP_SOFT_SELECT;
    SANE_Option_Descriptor *option
        = describe (number, name, order.pixels ? SANE_TYPE_INT : SANE_TYPE_FIXED,
                    order.pixels ? SANE_UNIT_PIXEL : SANE_UNIT_MM, settable | SANE_CAP_SOFT_DETECT);
    option->constraint_type = SANE_CONSTRAINT_RANGE;
    option->constraint.range = range;
    device.words[number] = value;
}

/* The bed's size in the units of the window. */
static void
measure (void)
{
    SANE_Word grid = order.pixels ? 1 : SANE_FIX (order.grid);
    double unit = order.pixels ? device.words[RESOLUTION] / 25.4 : 65536;
    across = (SANE_Range){ 0, (SANE_Word) (order.width * unit), grid };
    along = (SANE_Range){ 0, (SANE_Word) (order.height * unit), grid };
}

static int
source_now (void)
{
    for (int i = 0; i < SOURCES; i++)
        if (strcmp (device.source, order.called[i]) == 0)
            return i;
    return FLATBED;
}

static void
describe_all (void)
{
    int count = 0;

    for (int i = 0; i < SOURCES; i++)
        if (order.has_source[i])
            sources[count++] = strdup (order.called[i]);
    sources[count] = NULL;

    describe (NUMBER, "", SANE_TYPE_INT, SANE_UNIT_NONE, SANE_CAP_SOFT_DETECT);
    device.words[NUMBER] = FIRST_SENSOR + order.sensor_count;
    describe (STANDARD, "standard", SANE_TYPE_GROUP, SANE_UNIT_NONE, 0);
    describe_strings (SOURCE, SANE_NAME_SCAN_SOURCE, sources, device.source);
    describe_strings (MODE, SANE_NAME_SCAN_MODE, modes, device.mode);
    describe_words (BITS, SANE_NAME_BIT_DEPTH, SANE_UNIT_BIT, depths);
    describe_words (RESOLUTION, SANE_NAME_SCAN_RESOLUTION, SANE_UNIT_DPI, order.resolutions);
    describe (GEOMETRY, "geometry", SANE_TYPE_GROUP, SANE_UNIT_NONE, 0);
    measure ();
    describe_length (LEFT, SANE_NAME_SCAN_TL_X, &across, 0);
    describe_length (TOP, SANE_NAME_SCAN_TL_Y, &along, 0);
    describe_length (RIGHT, SANE_NAME_SCAN_BR_X, &across, across.max);
    describe_length (BOTTOM, SANE_NAME_SCAN_BR_Y, &along, along.max);
    describe (SENSORS, SANE_NAME_SENSORS, SANE_TYPE_GROUP, SANE_UNIT_NONE, 0)->title = SANE_TITLE_SENSORS;
    for (int i = 0; i < order.sensor_count; i++)
        describe (FIRST_SENSOR + i, strdup (order.sensors[i].name), order.sensors[i].type, SANE_UNIT_NONE,
                  SANE_CAP_SOFT_DETECT | SANE_CAP_HARD_SELECT | SANE_CAP_ADVANCED);
}

static SANE_Status
look_at_sensor (int number, void *value)
{
    SANE_Status status;
    struct sensor *sensor = NULL;
    const char *seen;

    read_order ();
    status = misbehave ("sensor", 0, 0);
    for (int i = 0; i < order.sensor_count && !sensor; i++)
        if (strcmp (order.sensors[i].name, device.options[number].name) == 0)
            sensor = &order.sensors[i];
    if (status != SANE_STATUS_GOOD || !sensor)
        return status != SANE_STATUS_GOOD ? status : SANE_STATUS_INVAL;
    seen = sensor->values[sensor->next];
    if (sensor->next < sensor->count - 1)
        sensor->next++;
    if (device.options[number].type == SANE_TYPE_STRING)
        snprintf (value, MAX_TEXT, "%s", seen);
    else
        *(SANE_Word *) value = atoi (seen);
    return SANE_STATUS_GOOD;
}

EXPORT const SANE_Option_Descriptor *
sane_chaos_get_option_descriptor (SANE_Handle handle, SANE_Int number)
{
    (void) handle;
    return number >= 0 && number < device.words[NUMBER] ? &device.options[number] : NULL;
}

EXPORT SANE_Status
sane_chaos_control_option (SANE_Handle handle, SANE_Int number, SANE_Action action, void *value, SANE_Int *info)
{
    char *string = number == SOURCE ? device.source : number == MODE ? device.mode : NULL;
    SANE_Status status;

    (void) handle;
    if (info)
        *info = 0;
    if (number < 0 || number >= device.words[NUMBER] || device.options[number].type == SANE_TYPE_GROUP)
        return SANE_STATUS_INVAL;
    if (action == SANE_ACTION_GET_VALUE) {
        if (number >= FIRST_SENSOR)
            return look_at_sensor (number, value);
        if (string)
            strcpy (value, string);
        else
            *(SANE_Word *) value = device.words[number];
        return SANE_STATUS_GOOD;
    }
    status = misbehave ("option", 0, 0);
    if (status != SANE_STATUS_GOOD)
        return status;
    if (action != SANE_ACTION_SET_VALUE || device.scanning || !SANE_OPTION_IS_SETTABLE (device.options[number].cap))
        return SANE_STATUS_INVAL;
    if (string)
        snprintf (string, MAX_TEXT, "%s", (char *) value);
    else
        device.words[number] = *(SANE_Word *) value;
    if (number >= LEFT && number <= BOTTOM) {
        const SANE_Range *range = device.options[number].constraint.range;
        SANE_Word *word = &device.words[number];
        if (range->quant)
            *word = (*word + range->quant / 2) / range->quant * range->quant;
        *word = *word > range->max ? range->max : *word;
    }
    if (number == RESOLUTION && order.pixels) {
        measure ();
        device.words[LEFT] = device.words[TOP] = 0;
        device.words[RIGHT] = across.max;
        device.words[BOTTOM] = along.max;
    }
    if (number == MODE) {
        int fixed = strcmp (device.mode, SANE_VALUE_SCAN_MODE_LINEART) == 0;
        device.options[BITS].cap
            = SANE_CAP_SOFT_SELECT | SANE_CAP_SOFT_DETECT | (fixed ? SANE_CAP_INACTIVE : 0);
    }
    if (info)
        *info = SANE_INFO_RELOAD_PARAMS
                | (number == MODE || (number == RESOLUTION && order.pixels) ? SANE_INFO_RELOAD_OPTIONS : 0);
    return SANE_STATUS_GOOD;
}

/* -- devices ---------------------------------------------------------------------------------- */

EXPORT SANE_Status
sane_chaos_init (SANE_Int *version, SANE_Auth_Callback authorize)
{
    (void) authorize;
    if (version)
        *version = SANE_VERSION_CODE (1, 0, 0);
    read_order ();
    return SANE_STATUS_GOOD;
}

EXPORT void
sane_chaos_exit (void)
{
    note ("exit");
    misbehave ("exit", 0, 0);
}

EXPORT SANE_Status
sane_chaos_get_devices (const SANE_Device ***list, SANE_Bool local_only)
{
    (void) local_only;
    read_order ();
    for (int i = 0; i < order.devices; i++) {
        memcpy (listed_names[i], order.names[i], MAX_TEXT);
        devices[i] = (SANE_Device){ listed_names[i], "Chaos", "Scanner", "virtual device" };
        listed[i] = &devices[i];
    }
    listed[order.devices] = NULL;
    *list = listed;
    return misbehave ("list", 0, 0);
}

EXPORT SANE_Status
sane_chaos_open (SANE_String_Const name, SANE_Handle *handle)
{
    char path[4096], suffix[32];
    SANE_Status status;
    int number = 0;

    read_order ();
    status = misbehave ("open", 0, 0);
    if (status != SANE_STATUS_GOOD)
        return status;
    /* Without a name the first one is meant. */
    while (number < order.devices && *name && strcmp (name, order.names[number]) != 0)
        number++;
    if (number >= order.devices)
        return SANE_STATUS_INVAL;
    if (device.is_open)
        return SANE_STATUS_DEVICE_BUSY;
    memset (&device, 0, sizeof device);
    snprintf (suffix, sizeof suffix, ".lock%d", number);
    beside_order (path, sizeof path, suffix);
    device.lock = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (flock (device.lock, LOCK_EX | LOCK_NB) != 0) {
        close (device.lock);
        return SANE_STATUS_DEVICE_BUSY;
    }
    device.is_open = 1;
    describe_all ();
    note ("open");
    *handle = &device;
    return SANE_STATUS_GOOD;
}

EXPORT void
sane_chaos_close (SANE_Handle handle)
{
    (void) handle;
    misbehave ("close", 0, 0);
    note ("close");
    close (device.lock);
    device.is_open = 0;
}

/* -- pages ------------------------------------------------------------------------------------ */

static int
to_pixels (double mm)
{
    return (int) lround (mm * device.words[RESOLUTION] / 25.4);
}

static int
pixels_at (int option)
{
    if (order.pixels)
        return device.words[option];
    return (int) lround (SANE_UNFIX (device.words[option]) * device.words[RESOLUTION] / 25.4);
}

static SANE_Parameters
real_parameters (void)
{
    SANE_Parameters real;
    int lineart = strcmp (device.mode, SANE_VALUE_SCAN_MODE_LINEART) == 0;
    int color = strcmp (device.mode, SANE_VALUE_SCAN_MODE_COLOR) == 0;

    real.format = color ? SANE_FRAME_RGB : SANE_FRAME_GRAY;
    real.last_frame = SANE_TRUE;
    real.depth = lineart ? 1 : device.words[BITS];
    real.pixels_per_line = pixels_at (RIGHT) - pixels_at (LEFT);
    real.lines = pixels_at (BOTTOM) - pixels_at (TOP);
    real.bytes_per_line = (real.pixels_per_line * real.depth * (color ? 3 : 1) + 7) / 8 + order.padding;
    return real;
}

EXPORT SANE_Status
sane_chaos_get_parameters (SANE_Handle handle, SANE_Parameters *told)
{
    (void) handle;
    *told = device.scanning ? device.real : real_parameters ();
    told->format = (SANE_Frame) ((int) told->format + order.lies[FORMAT]);
    told->last_frame += order.lies[LAST];
    told->pixels_per_line += order.lies[PIXELS];
    told->lines = order.lies[UNKNOWN] ? -1 : told->lines + order.lies[LINES];
    told->bytes_per_line += order.lies[STRIDE];
    told->depth += order.lies[DEPTH];
    return SANE_STATUS_GOOD;
}

/* A fragile device that was cancelled in mid-page: everything fails until somebody switches it off and on. */
static void
wedge (void)
{
    char path[4096];
    beside_order (path, sizeof path, ".wedged");
    close (open (path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
}

static int
is_wedged (void)
{
    char path[4096];
    beside_order (path, sizeof path, ".wedged");
    return access (path, F_OK) == 0;
}

/* Take in what the source has next; the side that it is goes to device.page. */
static SANE_Status
feed (void)
{
    device.upside_down = 0;
    if (source_now () == FLATBED) {
        device.page = 0;
        return SANE_STATUS_GOOD;
    }
    if (device.generation != order.generation) {
        device.generation = order.generation;
        device.fed = device.back_is_next = 0;
    }
    if (device.back_is_next) {
        device.back_is_next = 0;
        device.page = 2 * device.fed;
        device.upside_down = order.turned;
        return SANE_STATUS_GOOD;
    }
    if (order.last && source_now () == ADF_DUPLEX && device.fed >= order.sheets && device.fed < 2 * order.sheets) {
        device.page = 2 * (++device.fed - order.sheets);
        device.upside_down = order.turned;
        return SANE_STATUS_GOOD;
    }
    if (device.fed >= order.sheets)
        return (SANE_Status) order.empty;
    device.fed++;
    device.back_is_next = source_now () == ADF_DUPLEX && !order.last;
    device.page = 2 * device.fed - 1;
    return SANE_STATUS_GOOD;
}

EXPORT SANE_Status
sane_chaos_start (SANE_Handle handle)
{
    SANE_Status status;

    (void) handle;
    if (device.scanning)
        return SANE_STATUS_DEVICE_BUSY;
    read_order ();
    if (is_wedged ())
        return SANE_STATUS_IO_ERROR;
    cancelled = 0;
    note ("start");
    status = misbehave ("start", ++device.starts, 0);
    if (status == SANE_STATUS_GOOD)
        status = feed ();
    if (status != SANE_STATUS_GOOD)
        return status;
    device.real = real_parameters ();
    device.left = pixels_at (LEFT);
    device.top = pixels_at (TOP);
    device.bed_x = to_pixels (order.width);
    device.bed_y = to_pixels (order.height);
    device.shift_x = to_pixels (order.shift_x);
    device.shift_y = to_pixels (order.shift_y);
    device.position = 0;
    device.torn = 0;
    device.scanning = 1;
    return SANE_STATUS_GOOD;
}

EXPORT SANE_Status
sane_chaos_read (SANE_Handle handle, SANE_Byte *data, SANE_Int most, SANE_Int *length)
{
    long stride = device.real.bytes_per_line, line = device.position / stride, end;
    SANE_Status status = SANE_STATUS_GOOD;

    (void) handle;
    *length = 0;
    if (!device.scanning)
        return SANE_STATUS_INVAL;
    if (device.position % stride == 0 && !device.torn)
        status = misbehave ("read", device.starts, (int) line);
    if ((int) status == NOTHING && !cancelled)
        return SANE_STATUS_GOOD;
    if ((int) status == TORN) {
        device.torn = 1;
        memset (data, 0, (size_t) (*length = (SANE_Int) (stride / 2 < most ? stride / 2 : most)));
        return SANE_STATUS_GOOD;
    }
    if ((int) status == NOTHING || (status == SANE_STATUS_GOOD && cancelled))
        status = SANE_STATUS_CANCELLED;
    if (status == SANE_STATUS_GOOD && (device.torn || line >= device.real.lines))
        status = SANE_STATUS_EOF;
    if (status != SANE_STATUS_GOOD) {
        device.scanning = 0;
        return status;
    }
    end = stride * next_fault (device.starts, (int) line, device.real.lines);
    unsigned char *drawn = malloc ((size_t) stride);
    if (!drawn)
        return SANE_STATUS_NO_MEM;
    while (device.position < end && *length < most) {
        long column = device.position % stride, count = stride - column;
        if (count > most - *length)
            count = most - *length;
        draw_line (drawn, device.top + (int) (device.position / stride));
        memcpy (data + *length, drawn + column, (size_t) count);
        device.position += count;
        *length += (SANE_Int) count;
    }
    free (drawn);
    *length += order.lies[LENGTH];
    return SANE_STATUS_GOOD;
}

EXPORT void
sane_chaos_cancel (SANE_Handle handle)
{
    (void) handle;
    note ("cancel");
    if (order.fragile && device.scanning && device.position < (long) device.real.bytes_per_line * device.real.lines)
        wedge ();
    misbehave ("cancel", 0, 0);
    cancelled = 1;
    device.scanning = 0;
    /* The sheet under way goes out, and with it the side that was not scanned. */
    device.back_is_next = 0;
}
