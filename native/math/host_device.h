// Every formula compiles for the host and, under nvcc, for the device.
#ifndef RETINANET_OPS_HOST_DEVICE_H
#define RETINANET_OPS_HOST_DEVICE_H

#ifdef __CUDACC__
#define RN_HD __host__ __device__ inline
#else
#define RN_HD inline
#endif

#endif
