// A process that ends while a bar is on its terminal, which is a pipe here.
import { Progress } from '#lib/cli/progress.js';

process.stderr.isTTY = true;
new Progress('pictures', 3).update(1);
process.exit(130);
