"""The CUDA plugin through its C table, and nothing else. What the table and the structs are, header.py reads from the C headers.

A call takes its arrays from the host (numpy) or from the device (addresses: Buffer, or a torch tensor's data_ptr)."""

import ctypes
from ctypes import byref, c_char, c_char_p, c_int32, c_uint32, c_void_p

import header

ABI = header.read()
HOST, DEVICE = ABI.enums["rn_memory"]["RN_HOST"], ABI.enums["rn_memory"]["RN_DEVICE"]
REGRESSIONS = ABI.enums["rn_regression"]
DTYPES = {name[len("RN_") :].lower(): number for name, number in ABI.enums["rn_dtype"].items()}

Place, PerClass, GridLevel = ABI.structs["rn_place"], ABI.structs["rn_per_class"], ABI.structs["rn_grid_level"]
Anchors, GroundTruth = ABI.structs["rn_anchors"], ABI.structs["rn_ground_truth"]
CoderWeights = ABI.structs["rn_coder_weights"]
MatchOptions = ABI.structs["rn_match_options"]
PluginTable = ABI.structs["rn_cuda_plugin"]

# {operation: the struct of its arguments}, in the order of the table.
OPERATIONS = {
    name: kind._argtypes_[0]._type_ for name, kind in ABI.structs["rn_backend"]._fields_ if hasattr(kind, "_argtypes_")
}


class Failure(RuntimeError):
    def __init__(self, status):
        super().__init__(status.message.decode())
        self.out_of_memory = status.code == ABI.numbers["RN_OUT_OF_MEMORY"]


def checked(status):
    if status.code != ABI.numbers["RN_OK"]:
        raise Failure(status)


class Plugin:
    def __init__(self, path):
        entry = ctypes.CDLL(path)[ABI.numbers["RN_CUDA_PLUGIN_SYMBOL"]]
        entry.restype, entry.argtypes = ctypes.POINTER(PluginTable), [c_uint32]
        version = ABI.numbers["RN_ABI_VERSION"]
        table = entry(version)
        if not table:
            raise RuntimeError(f"{path} was built from other headers than native/backend has (version {version})")
        self.table = table.contents
        device, detail = c_int32(), c_char_p()
        reason = self.table.unusable(byref(device), byref(detail))
        if reason != ABI.enums["rn_cuda_reason"]["RN_CUDA_USABLE"]:
            names = {number: name for name, number in ABI.enums["rn_cuda_reason"].items()}
            raise RuntimeError(f"{names[reason]}: {detail.value.decode()}")
        self.device = device.value
        self.info = ABI.structs["rn_device_info"]()
        checked(self.table.device_info(self.device, byref(self.info)))
        self.name = self.info.name.decode()
        self.emulated = self.name.startswith("Emulated")

    def run(self, name, memory=DEVICE, **fields):
        """Calls an operation. Arrays are addresses; the caller keeps what they point to."""
        arguments = OPERATIONS[name](place=Place(memory=memory, device=self.device), **fields)
        checked(getattr(self.table.operations.contents, name)(byref(arguments)))

    def versions(self):
        driver, runtime = c_int32(), c_int32()
        self.table.versions(byref(driver), byref(runtime))
        return driver.value, runtime.value

    def synchronize(self):
        checked(self.table.synchronize(self.device))

    def stream(self):
        """The address of the stream on which all work is queued."""
        stream = c_void_p()
        checked(self.table.stream(self.device, byref(stream)))
        return stream.value

    def pinned(self, count):
        """Bytes of pinned host memory, never released: it lives as long as the process."""
        pointer = c_void_p()
        checked(self.table.allocate_pinned(count, byref(pointer)))
        return (c_char * count).from_address(pointer.value)


class Buffer:
    """Bytes of device memory; `shift` of them are left out at the beginning, so that the address is aligned for no more."""

    def __init__(self, plugin, size, shift=0):
        self.plugin, self.size, self.shift, pointer = plugin, size, shift, c_void_p()
        checked(plugin.table.allocate(plugin.device, size + shift, byref(pointer)))
        self.address = (pointer.value or 0) + shift

    @classmethod
    def of(cls, plugin, array, shift=0):
        return cls(plugin, array.nbytes, shift).write(array)

    def write(self, array, at=0):
        if array.nbytes:
            checked(self.plugin.table.upload(self.plugin.device, self.address + at, array.ctypes.data, array.nbytes))
        return self

    def read(self, like, at=0):
        """As many bytes as `like` has, in an array like it."""
        array = like.copy()
        if array.nbytes:
            checked(self.plugin.table.download(self.plugin.device, array.ctypes.data, self.address + at, array.nbytes))
        return array

    def copy(self, to, start, size):
        """Within the buffer, queued."""
        device = self.plugin.device
        checked(self.plugin.table.copy(device, self.address + to, device, self.address + start, size))

    def __del__(self):
        if hasattr(self, "address"):
            address = self.address - self.shift
            self.plugin.table.release(self.plugin.device, address or None, self.size + self.shift)
