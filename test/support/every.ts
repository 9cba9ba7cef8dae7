/** Schedules in each spelling of tide.yaml's `every`, for generated plans. */
export const EVERY = [
  "hour at :07",
  "day 08:00",
  "weekdays 08:10",
  "mon,thu 23:59",
  "month last day 18:00",
  "month 28 00:00",
  "3 days 02:30 from 2026-11-01",
  "2 weeks sunday 12:00 from 2026-11-01",
  "cron(0/10 8 ? * MON *)",
] as const;
