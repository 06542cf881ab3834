/*
 * The shim plugin: hands one CNI request to the agent over a unix socket and prints its answer. It waits while the agent
 * is away, asks again when the agent went in between, and fails at its deadline with a CNI error. It uses nothing but the
 * kernel, so it runs on any Linux of its architecture and starts in a millisecond.
 *
 * Request: u32 bytes of environment, u32 bytes of input, the CNI_* variables each with a NUL behind it, the input.
 * Answer:  u32 exit code, u32 bytes of output, the output. Numbers are little endian.
 *
 * sh src/layers/cni/shim/build.sh makes ../../../domain/cni/shimProgram.ts of it.
 */
typedef unsigned int u32;
typedef unsigned short u16;

/* Filled in when the program is installed: 60 s, 5 s and no path until then. Unknown to the compiler, so that it looks. */
extern const struct {
  char mark[16];
  u32 wait_ms;
  u32 quick_ms;
  char path[108];
} settings;
__asm__(".section .rodata\n.balign 4\n.globl settings\nsettings:\n.ascii \"KUBEFFECT-SHIM:\\0\"\n"
  ".4byte 60000\n.4byte 5000\n.zero 108\n.text\n");

#define SIZE (1 << 20)
static char request[SIZE], answer[SIZE], message[1024];

#if defined(__x86_64__)
enum { READ = 0, WRITE = 1, CLOSE = 3, SOCKET = 41, CONNECT = 42, SENDTO = 44, EXIT = 60, NANOSLEEP = 35, CLOCK = 228,
  PPOLL = 271 };
static long call(long n, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d, r8 __asm__("r8") = e, r9 __asm__("r9") = f;
  __asm__ volatile("syscall" : "=a"(result) : "a"(n), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
    : "rcx", "r11", "memory");
  return result;
}
__asm__(".globl _start\n_start:\nmov %rsp, %rdi\nand $-16, %rsp\ncall begin\n");
#elif defined(__aarch64__)
enum { READ = 63, WRITE = 64, CLOSE = 57, SOCKET = 198, CONNECT = 203, SENDTO = 206, EXIT = 93, NANOSLEEP = 101,
  CLOCK = 113, PPOLL = 73 };
static long call(long n, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = n, x0 __asm__("x0") = a, x1 __asm__("x1") = b, x2 __asm__("x2") = c,
    x3 __asm__("x3") = d, x4 __asm__("x4") = e, x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}
__asm__(".globl _start\n_start:\nmov x0, sp\nbl begin\n");
#endif

struct time { long s, ns; };

static long now(void) {
  struct time t;
  call(CLOCK, 1, (long) &t, 0, 0, 0, 0);
  return t.s * 1000 + t.ns / 1000000;
}

static void pause_ms(long ms) {
  struct time t = { ms / 1000, (ms % 1000) * 1000000 };
  call(NANOSLEEP, (long) &t, 0, 0, 0, 0, 0);
}

/* Whether the socket is ready for `events` before the deadline. */
static int ready(int socket, short events, long deadline) {
  struct { int fd; short events, revents; } p = { socket, events, 0 };
  long left = deadline - now();
  struct time t = { left / 1000, (left % 1000) * 1000000 };
  return left > 0 && call(PPOLL, (long) &p, 1, (long) &t, 0, 0, 0) > 0;
}

static u32 put(u32 at, const char *text) {
  while (*text && at < sizeof message - 1) message[at++] = *text++;
  return at;
}

static u32 number(u32 at, u32 value) {
  char digits[12];
  int n = 0;
  do digits[n++] = '0' + value % 10; while (value /= 10);
  while (n) message[at++] = digits[--n];
  return at;
}

static void out(const char *bytes, u32 length) {
  while (length > 0) {
    long written = call(WRITE, 1, (long) bytes, length, 0, 0, 0);
    if (written <= 0) break;
    bytes += written;
    length -= written;
  }
}

static void finish(int code) {
  for (;;) call(EXIT, code, 0, 0, 0, 0, 0);
}

static void refuse(u32 code, const char *what, u32 waited) {
  u32 at = put(0, "{\"cniVersion\":\"1.0.0\",\"code\":");
  at = put(number(at, code), ",\"msg\":\"kubeffect: ");
  at = put(put(at, what), "\",\"details\":\"waited ");
  at = put(number(at, waited), " ms for ");
  at = put(put(at, settings.path), "\"}");
  out(message, at);
  finish(1);
}

static int is_cni(const char *variable) {
  return variable[0] == 'C' && variable[1] == 'N' && variable[2] == 'I' && variable[3] == '_';
}

/* STATUS and VERSION are asked while somebody waits for an answer about the whole runtime. */
static int is_quick(const char *variable) {
  const char *command = "CNI_COMMAND=";
  while (*command) if (*command++ != *variable++) return 0;
  return *variable == 'S' || *variable == 'V';
}

/* Sends the request and reads the answer. Negative when it has to be tried again, else the length of the output. */
static long ask(int socket, u32 length, long deadline) {
  u32 have = 0;
  for (u32 sent = 0; sent < length;) {
    if (!ready(socket, 4, deadline)) return -1;
    long n = call(SENDTO, socket, (long) (request + sent), length - sent, 0x4000 | 0x40, 0, 0);
    if (n == -11) continue;
    if (n <= 0) return -1;
    sent += n;
  }
  for (;;) {
    if (have >= 8) {
      u32 size = ((u32 *) answer)[1];
      if (size > SIZE - 8) return -1;
      if (have >= size + 8) return size;
    }
    if (!ready(socket, 1, deadline)) return -1;
    long n = call(READ, socket, (long) (answer + have), SIZE - have, 0, 0, 0);
    if (n <= 0) return -1;
    have += n;
  }
}

void begin(long *stack) {
  char **environment = (char **) (stack + 1 + stack[0] + 1);
  u32 at = 8, wait = settings.wait_ms;
  for (; *environment; environment++) {
    const char *variable = *environment;
    if (!is_cni(variable)) continue;
    if (is_quick(variable)) wait = settings.quick_ms;
    do {
      if (at >= SIZE - 1) refuse(4, "the environment is too large", 0);
      request[at++] = *variable;
    } while (*variable++);
  }
  ((u32 *) request)[0] = at - 8;
  u32 input = at;
  for (long n; (n = call(READ, 0, (long) (request + at), SIZE - at, 0, 0, 0)) > 0;) {
    at += n;
    if (at >= SIZE) refuse(6, "the network configuration is too large", 0);
  }
  ((u32 *) request)[1] = at - input;

  struct { u16 family; char path[108]; } address = { 1, { 0 } };
  for (u32 i = 0; i < sizeof address.path - 1 && settings.path[i]; i++) address.path[i] = settings.path[i];
  long begun = now(), deadline = begun + wait;
  int connected = 0;
  for (;;) {
    int socket = call(SOCKET, 1, 1 | 02000000, 0, 0, 0, 0);
    if (socket >= 0) {
      if (call(CONNECT, socket, (long) &address, sizeof address, 0, 0, 0) == 0) {
        connected = 1;
        long length = ask(socket, at, deadline);
        if (length >= 0) {
          out(answer + 8, length);
          finish(((u32 *) answer)[0]);
        }
      }
      call(CLOSE, socket, 0, 0, 0, 0, 0);
    }
    if (now() + 50 >= deadline) break;
    pause_ms(50);
  }
  refuse(11, connected ? "the node agent did not answer" : "the node agent is not running", now() - begun);
}

/* Compilers may ask for these. */
void *memset(void *to, int value, unsigned long n) {
  for (char *p = to; n--;) *p++ = value;
  return to;
}
void *memcpy(void *to, const void *from, unsigned long n) {
  char *p = to;
  for (const char *q = from; n--;) *p++ = *q++;
  return to;
}
