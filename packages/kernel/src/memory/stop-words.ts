/**
 * Words that say nothing about what a question is about, in some languages, as they are once case and accents do not count. What
 * means something in one of them is left out, however often another one says it ("die", "war", "son", "comment").
 */
const ENGLISH =
  'a about after all also am an and any are as at be been before being but by can could did do does doing for from had has have having he her here him his how i if in into is it its me more most my no not of on or our she should so some such than that the their them then there these they this those to too was we were what when where which while who whom whose why with would you your';
const GERMAN =
  'aber als auch auf aus bei beim bist da damit dann das dass dein dem der des dich dir doch du durch ein eine einem einen einer eines er es euch haben habe hatte hier ich ihm ihn ihr ihre im ist ja kann kein keine mein mich mir mit nach nicht noch nur ob oder ohne sehr sein seine sich sie sind soll uber um und uns unser unter vom von vor wann wenn wer werden wie wird wir wo wurde zu zum zur';
const FRENCH =
  'au aux avec ce ces cette dans de des du elle en est et etre eu il ils je la le les leur lui mes moi mon ne nos notre nous ou par pas que quel quelle qui sa sans ses soit sont sur ta te tes toi tu un une vos votre vous';
const SPANISH =
  'al algo como cuando cual del donde el ella ellos ese eso esta estas este esto estos fue ha hay la las lo los mas muy nos para pero por porque que quien se ser si sobre su sus tambien un una uno unos y ya yo con';
const OTHERS =
  'alla che chi con cosa cui degli dei del della delle di dove ed gli il io loro nel nella non ogni per quale quando questa questo se si sono sua suo tra una uno com da das ele ela em essa esse isso nao nas nos os para pela pelo quem seu sua um uma aan dat deze dit een haar hem het hij ik is mijn naar niet ook onze op te uit voor waar wat wij worden zij zijn';

const STOP_WORDS: ReadonlySet<string> = new Set(
  [ENGLISH, GERMAN, FRENCH, SPANISH, OTHERS].flatMap((words) => words.split(' ')),
);

/** What is left without them; all of it when that is nothing. */
export function telling(words: readonly string[]): readonly string[] {
  const left = words.filter((word) => !STOP_WORDS.has(word));
  return left.length > 0 ? left : words;
}
