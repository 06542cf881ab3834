import { defineConfig } from "vitest/config"

// Two projects: `unit` needs nothing but Node; `integration` needs root and containerd (see README, Testing).
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/integration/**"],
          testTimeout: 20_000,
          sequence: { groupOrder: 0 }
        }
      },
      {
        test: {
          name: "integration",
          include: ["test/integration/**/*.test.ts"],
          globalSetup: "test/integration/setup.ts",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          // Most of the time they wait for containers; each file has its own runtime, bridge and folders.
          maxWorkers: 2,
          // Apart from the unit tests, so that timings on real containers are not those of a busy machine.
          sequence: { groupOrder: 1 }
        }
      }
    ]
  }
})
