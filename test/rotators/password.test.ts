/** The rotator `password` under the contract of values that nothing outside knows. */
import { password } from '../../rotators/password.ts'
import { contractSuite } from './contract.ts'

contractSuite({
  rotator: password,
  allowed: [
    { inputs: {}, looksLike: /^[\w!@#$%&*()\-=+[\]{}<>:?]{16}$/ },
    {
      inputs: {
        minLower: 2,
        minUpper: 3,
        minSpecial: 5,
        overrideSpecial: '!@#$%&*()-_=+[]{}<>:',
        length: 15,
      },
      looksLike: /^(?=(.*[a-z]){2})(?=(.*[A-Z]){3})(?=(.*[^a-zA-Z0-9]){5})[^?]{15}$/,
    },
    {
      inputs: { length: 8, lower: false, upper: false, special: false },
      looksLike: /^\d{8}$/,
    },
    {
      inputs: {
        length: 100,
        numeric: false,
        minUpper: 40,
        minLower: 59,
        minSpecial: 1,
        overrideSpecial: '€',
      },
      looksLike: /^(?=.*€)[a-zA-Z€]{100}$/,
    },
  ],
  impossible: [{ length: 7 }, { minUpper: 17 }, { numeric: false, minNumeric: 1 }],
})
