#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

#include "scenarios.h"

namespace scenarios {
namespace {

std::map<std::string, cudaError_t (*)(cudaStream_t)>& All() {
  static std::map<std::string, cudaError_t (*)(cudaStream_t)> all;
  return all;
}

}  // namespace

Scenario::Scenario(const char* name, cudaError_t (*run)(cudaStream_t)) { All()[name] = run; }

float* Allocate(cudaStream_t stream, size_t count) {
  void* pointer = nullptr;
  if (cudaMallocAsync(&pointer, count * sizeof(float), stream) != cudaSuccess) {
    std::printf("no memory\n");
    std::exit(0);
  }
  return static_cast<float*>(pointer);
}

}  // namespace scenarios

int main(int count, char** arguments) {
  const auto found = scenarios::All().find(count > 1 ? arguments[1] : "");
  if (found == scenarios::All().end()) {
    std::printf("no such scenario\n");
    return 2;
  }
  cudaStream_t stream = nullptr;
  if (cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) != cudaSuccess) return 2;
  const cudaError_t error = found->second(stream);
  std::printf("%s\n", cudaGetErrorName(error));
  cudaStreamDestroy(stream);
  return 0;
}
