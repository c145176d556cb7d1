/* The order: what the chaos scanner is and how it misbehaves, read from chaos.conf in SANE_CONFIG_DIR.

   devices N              scanners listed, named chaos:0 and on; 0: none is plugged in
   device NAME            one more of them, named chaos:NAME, as libusb:001:005
   source NAME            one of the scanner's sources: Flatbed, ADF, ADF Duplex
   resolution DPI         one of its resolutions
   bed WIDTH HEIGHT       the largest area in mm
   sheets N               sheets in the feeder, a fresh stack with each new order
   padding N              bytes behind each line that are no pixels
   rename N NAME          what the source N (0 the glass, 1 one side, 2 both sides) is called by the driver
   grid MM                corners of the window lie on whole steps of so many millimetres
   units pixel            corners of the window are counted in pixels
   window fixed           the window begins at the bed's corner, whatever is wanted
   shift X Y              the picture lies so many mm right and down of where the driver says
   paper LEVEL            white paper is no lighter than this, and everything else in proportion
   gamma N                the middle is darkened by the exponent N/100
   backs turned           the backs of sheets as large as the bed come upside down
   backs last             the backs come when all fronts are through
   empty STATUS           what is said of an empty feeder
   fragile 1              after a cancel in mid-page nothing works until chaos.conf.wedged is removed
   sensor NAME TYPE V...  a read-only option of TYPE bool, int or string; each look takes the next value, the last stays
   lie FIELD N            added to what the scanner says of FIELD: format, last, pixels, lines, stride, depth, length;
                          of lines unknown, whatever N is, it says -1
   fault MOMENT PAGE LINE ACTION N
                          MOMENT is list, open, option, sensor, start, read, cancel, close or exit; PAGE counts the
                          starts since the device was opened, from 1; LINE the lines of the page before it happens;
                          0 is every page, and the page's beginning. PAGE -1: only the first time in this order, in
                          whichever process. ACTION:
                          status N   return SANE_STATUS N
                          crash      write to nowhere
                          abort      as the C library does on broken memory
                          signal N   send the signal N to the process
                          leave N    end the process with the exit status N
                          freeze     stop the process, as SIGSTOP does: none of its threads does anything any more
                          stall      wait until sane_cancel is called, then return SANE_STATUS_CANCELLED
                          hang       wait for ever
                          deaf       wait for ever and ignore SIGTERM
                          hold       wait until the order has changed, then go on with the new one; a cancel ends it
                          slow N     take N ms longer, for this line and all that follow
                          memory N   take N MiB and keep them
                          greed      take memory until there is no more, give a little of it back, return NO_MEM
                          say N      write rubbish to the file descriptor N
                          stammer N  write the beginning of a line to the file descriptor N
                          nothing    of read only: return no data, now and for ever, as a lamp that never gets warm
                          torn       of read only: deliver half a line, and then the end of the page */

#ifndef ORDER_H
#define ORDER_H

#include <signal.h>

#include <sane/sane.h>

enum { MAX_LIST = 16, MAX_TEXT = 64, MAX_VALUES = 32, MAX_DEVICES = 4 };

enum source { FLATBED, ADF, ADF_DUPLEX, SOURCES };
enum field { FORMAT, LAST, PIXELS, LINES, STRIDE, DEPTH, LENGTH, UNKNOWN, FIELDS };

struct sensor {
    char name[MAX_TEXT];
    SANE_Value_Type type;
    char values[MAX_VALUES][MAX_TEXT];
    int count, next;
};

struct fault {
    char moment[MAX_TEXT], action[MAX_TEXT];
    int page, line, number;
};

struct order {
    int devices, sheets, padding, pixels, fixed, paper, gamma, turned, last, empty, fragile;
    char names[MAX_DEVICES][MAX_TEXT]; /* of the devices; those that are only counted are called by their number */
    double width, height, grid, shift_x, shift_y;
    int has_source[SOURCES];
    char called[SOURCES][MAX_TEXT];
    SANE_Word resolutions[1 + MAX_LIST]; /* a SANE word list: its length first */
    struct sensor sensors[MAX_LIST];
    int sensor_count;
    int lies[FIELDS];
    struct fault faults[MAX_LIST];
    int fault_count;
    unsigned generation; /* raised when the file has changed */
};

extern const char *const source_names[SOURCES];
extern struct order order;
extern volatile sig_atomic_t cancelled;

/* What misbehave returns beside SANE's statuses, of read only. */
enum { NOTHING = 1000, TORN };

/* Read the order again; the place of its file with SUFFIX goes to PATH. */
void read_order (void);
void beside_order (char *path, size_t size, const char *suffix);

/* Write a line into chaos.conf.calls: a call, or that a fault waits now. */
void note (const char *what);

/* Do what is ordered for this moment. */
SANE_Status misbehave (const char *moment, int page, int line);

/* The line before which the next fault of a page comes, at most LAST; the next line where each one is slow. */
int next_fault (int page, int line, int last);

#endif
