"""Random names of invented Brazilian people."""

from random import Random


def _split_names(text: str) -> list[str]:
    return text.split()


GIVEN_NAMES = _split_names(
    """
    Adriana Aílton Alícia Amanda Ana André Antônio Aparecida Arthur Augusto Bárbara
    Beatriz Benício Bernardo Breno Bruna Caio Camila Cássia Cauã Cecília César Clara
    Cláudia Daniel Davi Débora Denílson Diego Eduarda Elisângela Emanuel Enzo Érica
    Estêvão Fabíola Felipe Fernanda Flávia Francisco Gabriel Geovana Gérson Gustavo
    Heitor Helena Henrique Iara Ícaro Inês Isabela Isadora Ítalo Jéssica João
    Joaquim José Joyce Júlia Kauê Larissa Laís Letícia Lívia Lorena Luan Lúcia Luís
    Luiz Maitê Manuela Márcio Maria Marília Mateus Miguel Mônica Murilo Natália
    Nícolas Otávio Pablo Patrícia Paulo Pedro Rafael Raíssa Raul Rebeca Renan Rúbia
    Samuel Sávio Sílvia Sofia Sônia Tainá Taís Thiago Túlio Ursula Valéria Vinícius
    Vitória Yasmin Yuri Zélia
    """
)
MIDDLE_NAMES = _split_names(
    """
    Aparecida Augusto Beatriz Cristina Eduardo Fátima Henrique José Luiza Vitória
    """
)
FAMILY_NAMES = _split_names(
    """
    Abreu Albuquerque Almeida Alves Amâncio Andrade Antunes Araújo Assunção Azevedo
    Barbosa Barroso Batista Bezerra Brandão Caldeira Câmara Cardoso Carvalho
    Castelão Conceição Corrêa Coutinho Damião Dias Esteves Fagundes Falcão
    Figueirêdo Fonseca Franqueira Freitas Galvão Garção Gonçalves Guimarães Imbiriba
    Jardim Leitão Lemos Magalhães Maranhão Mendonça Menezes Mourão Negrão Nogueira
    Nóbrega Pacheco Paixão Palmeira Patrício Peçanha Pinheiro Queirós Quintão
    Ramalho Rebouças Rêgo Rezende Rondão Sá Salomão Sampaio Serrão Simões Taveira
    Teixeira Trindade Valadão Vasques Veríssimo Viégas Vilaça Xavier Zanetti
    """
)
PARTICLES = ("", "", "de ")


def random_name(random: Random) -> str:
    """Return a full name, such as "João Henrique de Abreu Nóbrega"."""
    middle = f" {random.choice(MIDDLE_NAMES)}" if random.random() < 0.35 else ""
    first, last = random.sample(FAMILY_NAMES, 2)
    return (
        f"{random.choice(GIVEN_NAMES)}{middle} {random.choice(PARTICLES)}{first} {last}"
    )
