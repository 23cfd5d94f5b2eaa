/** A compiled calendar as sets of numbers, read anew from its names. */
import type { Calendar } from '../../model/cron-calendars.ts'
import type { Fields } from './wall-clock-walk.ts'

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

/** What Temporal reads in a calendar. */
export function fieldsOf(calendar: Calendar): Fields {
  const all = (size: number, first = 0) => Array.from({ length: size }, (_, index) => index + first)
  const set = (list: (string | number)[] | '*', every: number[], names: string[] = []) =>
    new Set(
      list === '*'
        ? every
        : list.map((item) =>
            typeof item === 'number' ? item : names.indexOf(item.slice(0, 3)) + (every[0] ?? 0),
          ),
    )
  return {
    minute: set(calendar.minute, all(60)),
    hour: set(calendar.hour, all(24)),
    dayOfMonth: set(calendar.dayOfMonth, all(31, 1)),
    month: set(calendar.month, all(12, 1), MONTHS),
    dayOfWeek: set(calendar.dayOfWeek, all(7), WEEKDAYS),
  }
}
