// What test/tfjs-backend/scripts/core-suite.ts needs of Jasmine, which has no types of its own.
declare module 'jasmine-core' {
  interface SpecResult {
    fullName: string;
    status: string;
    failedExpectations: { message: string }[];
  }
  interface Environment {
    configure(options: { random: boolean; forbidDuplicateNames: boolean }): void;
    addReporter(reporter: { specDone(result: SpecResult): void }): void;
    execute(): Promise<unknown>;
  }
  const jasmineCore: { installGlobals(): void; jasmine: { getEnv(): Environment } };
  export default jasmineCore;
}
