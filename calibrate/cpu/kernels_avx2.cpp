// Compiled for AVX2 with FMA.
#if defined(__x86_64__)
#define RIDGE_KERNELS kernels_avx2
#define RIDGE_NAME "avx2"
#define RIDGE_VECTOR_BYTES 32
#include "calibrate/cpu/kernels_body.inc"
#endif
