// Loaded before everything else where kernels run slowly: a property is tried for some seconds, not as often as it says.
import fc from 'fast-check';

fc.configureGlobal({ ...fc.readConfigureGlobal(), interruptAfterTimeLimit: 5000 });
